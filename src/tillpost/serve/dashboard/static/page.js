// Small comforts on top of pages that work without it: a filter applies as soon as it is chosen.
"use strict";
(() => {
  document.documentElement.classList.add("scripted");
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form.filters");
    if (form) form.requestSubmit();
  });

  // The Events page shows what comes by itself; a stream that breaks is opened again.
  const state = document.getElementById("tail-state");
  if (state && window.EventSource) {
    const tables = document.getElementById("tables");
    const stream = new EventSource(state.dataset.stream);
    stream.addEventListener("open", () => (state.textContent = "Live: newer events show here by themselves."));
    stream.addEventListener("error", () => (state.textContent = "Not connected just now; trying again."));
    stream.addEventListener("tail", (event) => {
      if (tables.matches(":focus-within, :has([open])")) return;
      tables.innerHTML = event.data;
    });
    addEventListener("pagehide", () => stream.close());
  }
})();
