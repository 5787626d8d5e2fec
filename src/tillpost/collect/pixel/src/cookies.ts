/** First-party cookies, on the widest domain that the browser lets the shop have. */

import { random } from "./fbq";

/** Lifetimes in seconds: Meta's 90 days, and the 400 that browsers allow at most. */
const enum Age {
  Vendor = 7776000,
  Visitor = 34560000,
}

let domain = "";

/** The cookie's value byte for byte. */
export const read = (name: string): string | undefined =>
  ("; " + document.cookie).split(`; ${name}=`)[1]?.split(";")[0];

/** A page without TLS keeps none. */
const write = (name: string, value: string | number, age: number): void => {
  document.cookie = `${name}=${value};path=/;samesite=lax;secure;max-age=${age};domain=${domain}`;
};

/** The shop's registrable domain: the widest that the browser accepts; settled once. */
export const site = (): string => {
  const labels = location.hostname.split(".");
  for (let taken = 2; !domain; taken++) {
    domain = labels.slice(-taken).join(".");
    write("_tp_d", 1, 1);
    if (!read("_tp_d") && labels[taken]) domain = "";
  }
  return domain;
};

/** Meta's cookie: `fb.<dots in the domain>.<ms>.<payload>`. */
const vendor = (name: string, ms: number, payload: string): void =>
  write(name, `fb.${domain.split(".").length - 1}.${ms}.${payload}`, Age.Vendor);

/** Keep what is there byte for byte; else make `_fbp`, and `_fbc` of a click first seen at `ms`. */
export const mint = (click: string | undefined, ms: number): void => {
  if (!read("_fbp")) vendor("_fbp", Date.now(), random(1));
  if (click && !read("_fbc")?.includes("." + click)) vendor("_fbc", ms, click);
};

/** The visitor's id, made where there is none. */
export const visitor = (): string | undefined =>
  read("_tp_vid") || (write("_tp_vid", random(), Age.Visitor), read("_tp_vid"));

/** Remove every cookie of ours: the shopper took the consent back. */
export const forget = (): void => {
  ["_tp_vid", "_fbp", "_fbc"].map((name) => read(name) && (site(), write(name, "", 0)));
};
