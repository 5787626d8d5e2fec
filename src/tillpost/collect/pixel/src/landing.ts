/** Addresses without anything personal, and which of them are landings. */

/**
 * Campaign tags and click ids; every other parameter is dropped before anything is kept or sent.
 * Two ids of mail tools (`mc_eid`, `_kx`) name a person and are not among them.
 */
const TAG =
  /^(amp;)?((utm|mtm|pk|piwik|matomo|hsa|gad|klar)_\w+|\w*clid|[gw]braid|srsltid|li_fat_id|epik|sccid|rdt_cid|cjevent|awc|sscid|ran(m|ea|site)id|gclsrc|ob_click_id|tblci|mc_cid|clickid|ref|source|(ad|adset|adgroup|campaign)_?id)=/i;

/** `url` with its tags byte for byte; tags in the fragment move to the query. */
export function clean(url: string): string {
  const [, base, query, hash] = /^([^?#]*)\??([^#]*)#?(.*)$/.exec(url)!;
  const tags = (query + "&" + hash).split("&").filter((pair) => TAG.test(pair));
  return base + (tags[0] ? "?" + tags.join("&") : "");
}

/** What tells one page from another: the address without tags and fragment. */
export function place(url: string): string {
  const [base, query] = url.replace(/#.*/, "").split("?");
  return base + "?" + (query || "").split("&").filter((pair) => !TAG.test(pair));
}

/** Whether a cleaned address with its cleaned referrer is a landing on the site `domain`. */
export function landed(url: string, referrer: string, domain: string): boolean {
  const host = referrer.split("/")[2] || domain;
  return url.includes("?") || !("." + host.split(":")[0]).endsWith("." + domain);
}

/** The click id of Meta in an address, byte for byte; longer than 500 is none of theirs. */
export function fbclid(url: string): string | undefined {
  return /[?&]fbclid=([^&#]{1,500})(?=[&#]|$)/.exec(url)?.[1];
}
