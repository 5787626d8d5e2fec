/** Addresses without anything personal. */

/**
 * Campaign tags and click ids; every other parameter is dropped before anything is kept or sent.
 * Two ids of mail tools (`mc_eid`, `_kx`) name a person and are not among them.
 */
const TAG =
  /^((utm|mtm|pk|piwik|matomo|hsa|gad)_\w+|(ran\w+|\w*(c|cl|clk|click|bra|slt|ale|fat|ad|set|group|campaign)_?)id|epik|cjevent|awc|tblci|gclsrc|oppref|ref|source)=/i;

/** `url` with its tags byte for byte; tags in the fragment move to the query. */
export const clean = (url: string): string => {
  const [base, ...rest] = url.split(/[?#]/);
  const tags = rest.join("&").split("&").filter((pair) => TAG.test(pair)).join("&");
  return base + (tags && "?" + tags);
};

/** The click id of Meta in a cleaned address, byte for byte; longer than 500 is none of theirs. */
export const fbclid = (url: string): string | undefined =>
  /[?&]fbclid=([^&]{1,500})(&|$)/.exec(url)?.[1];
