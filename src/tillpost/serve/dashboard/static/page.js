// Small comforts on top of pages that work without it: a filter applies as soon as it is chosen.
"use strict";
(() => {
  document.documentElement.classList.add("scripted");
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form.filters");
    if (form) form.requestSubmit();
  });
})();
