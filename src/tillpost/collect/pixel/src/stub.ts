/**
 * What stands inline in the page: it takes calls until the script is there, notes the
 * address before the page strips it, and sets the trap before the vendor's base code runs.
 */

import { load, trap, type Tillpost } from "./fbq";

var page = window as any;

if (!page.tillpost) {
  var tillpost = (page.tillpost = function () {
    if (arguments[0] == "checkout") tillpost.k = arguments[1];
    tillpost.q!.push([Date.now(), arguments]);
  } as Tillpost);
  tillpost.q = [];
  tillpost.u = location.href;
  var told = load().s || [];
  tillpost.r = function (name) {
    return (
      performance.navigation.type &&
      navigator.userActivation?.hasBeenActive === false &&
      told.includes(name + location.pathname)
    );
  };
  trap(page);
}
