/**
 * The theme's part on Shopify: passes the shop's consent on, and lets the cart carry the
 * browser's ids into the order. It stands inline in the theme, after the stub.
 */

import { read } from "./cookies";
import { load } from "./fbq";

/** Of Shopify's page global, what is used here. */
interface Privacy {
  marketingAllowed(): boolean;
  analyticsProcessingAllowed(): boolean;
  saleOfDataAllowed(): boolean;
  currentVisitorConsent(): { marketing: "yes" | "no" | "" };
}

interface Shopify {
  routes?: { root?: string };
  loadFeatures?(features: { name: string; version: string }[], then: (error?: unknown) => void): void;
  customerPrivacy?: Privacy;
}

const page = window as any as { Shopify?: Shopify; tillpost(...args: unknown[]): void };

/** Where it is remembered what the cart was given. */
const CART = "_tp_cart";

/** Waits in ms, and how often, for the script to have made the visitor's id. */
const enum Wait {
  Look = 500,
  Times = 20,
}

const write = (privacy: Privacy): void => {
  const marketing = privacy.marketingAllowed();
  const allowed = (text: string | undefined) => (marketing && text) || "";
  const attributes = {
    _tillpost_visitor: allowed(read("_tp_vid")),
    _fbp: allowed(read("_fbp")),
    _fbc: allowed(read("_fbc")),
    _tillpost_landing: allowed(load().last?.url),
    _tillpost_consent: JSON.stringify({
      marketing,
      analytics: privacy.analyticsProcessingAllowed(),
      sale_of_data: privacy.saleOfDataAllowed(),
    }),
  };
  // Another cart, or other values: the cookie tells one cart from the next.
  const state = JSON.stringify(attributes) + read("cart");
  if (localStorage[CART] == state) return;
  fetch((page.Shopify?.routes?.root || "/") + "cart/update.js", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ attributes }),
    keepalive: true,
  }).then(
    ({ ok }) => {
      if (ok && marketing) localStorage[CART] = state;
    },
    () => {},
  );
};

const carry = (privacy: Privacy, times: number): void => {
  if (read("_tp_vid")) write(privacy);
  else if (times > 0) setTimeout(carry, Wait.Look, privacy, times - 1);
};

const decide = (): void => {
  const privacy = page.Shopify?.customerPrivacy;
  if (!privacy) return;
  if (!privacy.saleOfDataAllowed()) page.tillpost("dataProcessingOptions", ["LDU"]);
  if (privacy.marketingAllowed()) {
    page.tillpost("consent", "grant");
    carry(privacy, Wait.Times);
  } else if (privacy.currentVisitorConsent().marketing == "no") {
    page.tillpost("consent", "revoke");
    if (localStorage[CART]) write(privacy);
    delete localStorage[CART];
  }
};

document.addEventListener("visitorConsentCollected", decide);
page.Shopify?.loadFeatures?.([{ name: "consent-tracking-api", version: "0.1" }], (error) => {
  if (!error) decide();
});
