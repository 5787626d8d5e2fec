/** First-party cookies, on the widest domain that the browser lets the shop have. */

const DAYS_90 = 7776000;
const DAYS_400 = 34560000;

let domain: string | undefined;

/** The cookie's value byte for byte; empty if there is none. */
export function read(name: string): string {
  return (("; " + document.cookie).split("; " + name + "=")[1] || "").split(";")[0]!;
}

/** Write a cookie for `age` seconds; 0 removes it. */
export function write(name: string, value: string, age: number): void {
  document.cookie =
    name + "=" + value + ";path=/;samesite=lax;max-age=" + age +
    (domain ? ";domain=" + domain : "") +
    (location.protocol == "https:" ? ";secure" : "");
}

/** The shop's registrable domain, as `index` says or as the browser accepts it; settled once. */
export function site(index?: number): string {
  const labels = location.hostname.split(".");
  let taken = index === undefined ? 2 : index + 1;
  while (domain === undefined) {
    domain = labels.slice(-taken).join(".");
    write("_tp_d", "1", 9);
    if (!read("_tp_d") && taken++ < labels.length) domain = undefined;
  }
  write("_tp_d", "", 0);
  return domain;
}

/** Meta's cookie value: `fb.<dots in the domain>.<ms>.<payload>`. */
const vendor = (ms: number, payload: string | number): string =>
  "fb." + (site().split(".").length - 1) + "." + ms + "." + payload;

/** Keep what is there byte for byte; else make `_fbp`, and `_fbc` of a click first seen at `ms`. */
export function mint(click: string | undefined, ms: number): void {
  if (!read("_fbp"))
    write("_fbp", vendor(Date.now(), crypto.getRandomValues(new Uint32Array(1))[0]!), DAYS_90);
  if (click && !read("_fbc").includes("." + click)) write("_fbc", vendor(ms, click), DAYS_90);
}

/** The visitor's id, made by `fresh` where there is none. */
export function visitor(fresh: () => string): string {
  if (!read("_tp_vid")) write("_tp_vid", fresh(), DAYS_400);
  return read("_tp_vid");
}

/** Remove every cookie of ours: the shopper took the consent back. */
export function forget(index?: number): void {
  for (const name of ["_tp_vid", "_fbp", "_fbc"]) if (read(name)) site(index), write(name, "", 0);
}
