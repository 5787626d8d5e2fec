/**
 * Shopify's custom pixel: subscribes to the standard customer events and sends them to the
 * shop's server. It runs in a sandboxed frame, so the page is reached through `browser` only.
 */

import { random } from "./fbq";
import { clean, fbclid } from "./landing";
import { CHECKOUT, STOREFRONT, value, type Catalogue, type Mapped, type Standard } from "./shopify-events";
import { seconds } from "./send";
import type { Consent, Direct, PixelEvent } from "./types";
import { watch } from "./vendor";

interface Settings extends Catalogue {
  shop: string;
  url: string;
  path?: string;
  /** `checkout`: the theme's own fbq is mirrored there, so only the checkout is reported here. */
  events?: "all" | "checkout";
  /** Send what the buyer typed at checkout, for the server to hash. */
  identity?: boolean;
  /** Meta's pixel id, to load the vendor's library inside the sandbox too. */
  fbevents?: string;
}

interface Privacy {
  marketingAllowed: boolean;
  analyticsProcessingAllowed: boolean;
  saleOfDataAllowed: boolean;
}

/** Shopify's globals in a custom pixel, as far as they are used. */
declare const analytics: { subscribe(name: string, then: (event: Standard) => void): void };
declare const browser: {
  cookie: { get(name: string): Promise<string | undefined>; set(cookie: string): Promise<unknown> };
  localStorage: {
    getItem(key: string): Promise<string | null>;
    setItem(key: string, value: string): Promise<unknown>;
    removeItem(key: string): Promise<unknown>;
  };
};
declare const init: {
  context: { document: { location: { hostname: string; href: string } } };
  data: { shop: { countryCode: string }; cart?: { id?: string | null } | null };
  customerPrivacy: Privacy;
};
declare const customerPrivacy: {
  subscribe(name: string, then: (event: { customerPrivacy: Privacy }) => void): void;
};
declare const tillpost: Settings;

const KEPT = "_tp_q";

/** Characters of unsent events: under 64 KiB in whatever script their text is. */
const MOST = 16000;

/** Lifetimes in seconds: Meta's 90 days, and the 400 that browsers allow at most. */
const DAYS_90 = 7776000;
const DAYS_400 = 34560000;

/** Longest wait, in ms, for the vendor's own hit. */
const PATIENCE = 1500;

const page = window as any;
const endpoint = new URL((tillpost.path || "/px") + "/" + tillpost.shop, tillpost.url);
const host = init.context.document.location.hostname;
const hits = new Set<string>();
let privacy = init.customerPrivacy;
let decided = Date.now();
let held: Standard[] = [];

// --- cookies, written in the shop's top frame -------------------------------------------------

const write = (name: string, text: string | number, age: number, domain: string): Promise<unknown> =>
  browser.cookie.set(`${name}=${text};path=/;samesite=lax;secure;max-age=${age};domain=${domain}`);

/** The shop's registrable domain. Its test cookie lives for a second: the page's script waits meanwhile. */
const site = async (): Promise<string> => {
  const labels = host.split(".");
  for (let taken = 2; taken < labels.length; taken++) {
    const domain = labels.slice(-taken).join(".");
    await write("_tp_d", 1, 1, domain);
    if (await browser.cookie.get("_tp_d")) return domain;
  }
  return host;
};

interface Ids {
  fbp?: string;
  fbc?: string;
  visitor_id?: string;
}

let domain: Promise<string> | undefined;

/** The cookies, byte for byte where they are there, else made; one at a time, so that none is twice. */
const mint = async (event: Standard, before: Promise<Ids>): Promise<Ids> => {
  await before;
  const on = await (domain ??= site());
  const vendor = `fb.${on.split(".").length - 1}.${Date.parse(event.timestamp)}.`;
  const keep = async (name: string, fresh: string, age: number, stale?: string) => {
    const there = await browser.cookie.get(name);
    if (there && (!stale || there.includes("." + stale))) return there;
    await write(name, fresh, age, on);
    return fresh;
  };
  const click = fbclid(clean(event.context.document.location.href));
  const [visitor_id, fbp, fbc] = await Promise.all([
    keep("_tp_vid", random(), DAYS_400),
    keep("_fbp", vendor + random(1), DAYS_90),
    click ? keep("_fbc", vendor + click, DAYS_90, click) : browser.cookie.get("_fbc"),
  ]);
  return { visitor_id, fbp, fbc: fbc || undefined };
};

let ids: Promise<Ids> = Promise.resolve({});

// --- beacons ----------------------------------------------------------------------------------

const load = async (): Promise<PixelEvent[]> => {
  try {
    return JSON.parse((await browser.localStorage.getItem(KEPT)) || "[]");
  } catch {
    return [];
  }
};

const keep = async (events: PixelEvent[]): Promise<void> => {
  const kept = [...(await load()), ...events.map((event) => ({ ...event, user_data: undefined }))];
  while (JSON.stringify(kept).length > MOST) kept.shift();
  await browser.localStorage.setItem(KEPT, JSON.stringify(kept));
};

const send = async (events: PixelEvent[]): Promise<void> => {
  const body = JSON.stringify({ events, sent_at: seconds(Date.now()) });
  try {
    // A text body needs no preflight, which a sandbox's `null` origin would not pass.
    const { status } = await fetch(endpoint, { method: "POST", body, keepalive: true });
    if (status >= 429) await keep(events);
  } catch {
    await keep(events);
  }
};

const resend = async (): Promise<void> => {
  const left = await load();
  if (!left[0]) return;
  await browser.localStorage.removeItem(KEPT);
  await send(left);
};

// --- the vendor's own library, off by default -------------------------------------------------

const startVendor = (pixel: string): void => {
  const queue: unknown[] = [];
  const fbq = (...args: unknown[]): unknown =>
    page.fbq.callMethod ? page.fbq.callMethod(...args) : queue.push(args);
  page.fbq = page._fbq = Object.assign(fbq, { push: fbq, loaded: true, version: "2.0", queue });
  const script = document.createElement("script");
  script.async = true;
  script.src = "https://connect.facebook.net/en_US/fbevents.js";
  script.onerror = () => (page.fbq = undefined);
  document.head.append(script);
  fbq("dataProcessingOptions", privacy.saleOfDataAllowed ? [] : ["LDU"], 0, 0);
  fbq("init", pixel);
  watch((name, id) => hits.add(`${name}${id}`));
};

const callVendor = async ({ name, data, id, unsold }: Mapped): Promise<Direct> => {
  if (!tillpost.fbevents || !privacy.marketingAllowed || unsold) return "none";
  if (!page._fbq) startVendor(tillpost.fbevents);
  page.fbq?.("track", name, data, { eventID: id });
  for (let waited = 0; waited < PATIENCE && page.fbq && !hits.has(name + id); waited += 250)
    await new Promise((go) => setTimeout(go, 250));
  return hits.has(name + id) ? "sent" : page.fbq ? "unknown" : "blocked";
};

// --- from Shopify's event to ours -------------------------------------------------------------

const consent = (): Consent => ({
  marketing: privacy.marketingAllowed,
  analytics: privacy.analyticsProcessingAllowed,
  sale_of_data: privacy.saleOfDataAllowed,
  source: "shopify",
  at: seconds(decided),
});

const handle = async (event: Standard): Promise<void> => {
  const mapped = value(event, tillpost, init.data.shop.countryCode);
  const { name, id, data, token, user } = mapped;
  const common = {
    event_name: name,
    event_id: id,
    event_time: seconds(Date.parse(event.timestamp)),
    checkout_token: token,
    consent: consent(),
  };
  if (!privacy.marketingAllowed && !privacy.analyticsProcessingAllowed) {
    held.push(event);
    // A sale that was refused: its order must know, and nobody's ids may go.
    if (name == "Purchase") await send([{ ...common, direct: "none", recorded: true }]);
    return;
  }
  const { location, referrer } = event.context.document;
  const full: PixelEvent = {
    ...common,
    event_source_url: clean(location.href),
    referrer_url: clean(referrer || "") || undefined,
    custom_data: data,
    visitor_id: event.clientId,
    cart_token: event.data.cart?.id || init.data.cart?.id || undefined,
    direct: "none",
  };
  if (privacy.marketingAllowed) {
    const direct = callVendor(mapped);
    ids = mint(event, ids).catch(() => ({}));
    Object.assign(full, await ids, {
      user_data: tillpost.identity ? user : undefined,
      direct: await direct,
    });
  }
  await send([full]);
  await resend();
};

customerPrivacy.subscribe("visitorConsentCollected", (event) => {
  privacy = event.customerPrivacy;
  decided = Date.now();
  const waiting = held;
  held = [];
  for (const event of waiting) void handle(event);
});

for (const name of tillpost.events == "checkout" ? CHECKOUT : [...STOREFRONT, ...CHECKOUT])
  analytics.subscribe(name, (event) => void handle(event));
