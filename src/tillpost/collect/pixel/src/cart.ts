/** Shopify's cart carries the browser's ids into the order. */

import { read } from "./cookies";
import { load, save } from "./store";

/** Write the ids with consent; where it was taken back, empty what was written. */
export function carry(visitor: string, consent: "granted" | "denied"): void {
  const attributes = {
    _tillpost_visitor: visitor,
    _fbp: read("_fbp"),
    _fbc: read("_fbc"),
    _tillpost_landing: load().l?.url || "",
    _tillpost_consent: consent,
  };
  // Another cart, or other values: the cookie tells one cart from the next.
  const state = JSON.stringify(attributes) + read("cart");
  if (load().c == state) return;
  fetch(((window as any).Shopify?.routes?.root || "/") + "cart/update.js", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ attributes }),
    keepalive: true,
  }).then(
    ({ ok }) => ok && visitor && save({ c: state }),
    () => {},
  );
}
