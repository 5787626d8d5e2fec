(function () {
  var fbq = window.fbq, ids = [], held = [], revoked = false;
  function hit(id, name, data, options) {
    if (revoked) { held.push([id, name, data, options]); return; }
    var q = "id=" + id + "&ev=" + encodeURIComponent(name) + "&dl=" + encodeURIComponent(location.href);
    if (options && options.eventID) q += "&eid=" + encodeURIComponent(options.eventID);
    for (var k in data || {}) q += "&cd[" + k + "]=" + encodeURIComponent(data[k]);
    var fbp = /_fbp=([^;]*)/.exec(document.cookie);
    if (fbp) q += "&fbp=" + fbp[1];
    new Image().src = "https://www.facebook.com/tr/?" + q;
  }
  fbq.callMethod = function (command, a, b, c, d) {
    if (command == "init") ids.push(a);
    if (command == "consent") {
      revoked = a == "revoke";
      if (!revoked) held.splice(0).forEach(function (x) { hit.apply(null, x); });
    }
    if (/^track(Custom)?$/.test(command)) ids.forEach(function (id) { hit(id, a, b, c); });
    if (/^trackSingle/.test(command)) hit(a, b, c, d);
  };
  window.rawVendor = fbq.callMethod;
  fbq.queue.splice(0).forEach(function (x) { fbq.callMethod.apply(fbq, x); });
  var push = history.pushState;
  history.pushState = function () {
    push.apply(history, arguments);
    ids.forEach(function (id) { hit(id, "PageView", {}); });
  };
})();
