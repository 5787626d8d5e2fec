/**
 * The browser script: takes calls in fbq's shape, mirrors the page's own fbq calls, and
 * sends both to the shop's server. See `docs/guides/pixel.md` for what it does and does not.
 */

import * as cookies from "./cookies";
import { eventId, load, random, trap, type Tillpost } from "./fbq";
import { clean, fbclid } from "./landing";
import { seconds, send } from "./send";
import { save } from "./store";
import type { Config, Consent, Data, PixelEvent, Touch } from "./types";
import { watch } from "./vendor";

/**
 * An event that waits for consent, or to learn what became of the vendor's own hit:
 * the event, when it was called (ms) and on which page, and whether the page called the vendor for it.
 */
type Item = [event: Omit<PixelEvent, "direct">, at: number, key: string, path: string, vendor?: boolean];

const page = window as any;
const from = (document.currentScript as HTMLScriptElement | null)?.src || location.href;
const stub: Tillpost | undefined = page.tillpost;
/** The server writes the shop's settings in this place, just so. */
const config: Config = { shop: "" };

/** Waits in ms. A Purchase must not miss its order while the vendor's hit is waited for. */
const enum Wait {
  ForVendor = 1500,
  Look = 300,
}

/** Names with ids, and names with pages, that are remembered: two of each event that is no view. */
const enum Most {
  Told = 99,
}

const known: Record<string, 1> = {};
const hits: Record<string, 1> = {};
let queue: Item[] = [];
const user: Data = {};
let timer: unknown;

/** The page shown now, and whether its view is still to be told. */
let shown: Touch = {
  url: clean(stub?.u || location.href),
  referrer: clean(document.referrer),
  // Before any call of the page: a click is never later than its events.
  time: performance.timing.navigationStart,
};
let here = location.pathname;
let pending = true;
let moved = false;

/** A landing whose cookies and record are still to be written. */
let landing: Touch | undefined = shown;

/** Global Privacy Control is not asked here: the browser sends it with every beacon. */
const consent: Consent = { at: seconds(shown.time) };

/** Whether the vendor's library is there. */
const alive = (): boolean => !!page.fbq?.callMethod;

const api: Tillpost = (...args) => handle(Date.now(), args);

/** Queue an event once; one without an id is not to be told. */
const add = (
  at: number,
  name: string,
  data: Data | undefined,
  id: string,
  vendor?: boolean,
  recorded?: boolean,
): void => {
  const key = name + id;
  if (name == "PageView") pending = false;
  if (!id || known[key]) return;
  known[key] = 1;
  const event: Item[0] = {
    event_name: name,
    event_id: id,
    event_time: seconds(at),
    event_source_url: shown.url,
    referrer_url: shown.referrer,
    custom_data: data,
    recorded,
  };
  queue.push([event, at, key, name + here, vendor]);
  plan(0);
};

/** Report the page itself, unless the page or its fbq did. */
const view = (): void => {
  if (!pending || config.views === false) return;
  // On a change of address the vendor's library reports a view by itself, without an id.
  add(shown.time, "PageView", {}, (api.v = random()), false, moved && alive());
};

const navigate = (): void => {
  if (location.pathname == here) return;
  view();
  here = location.pathname;
  shown = { url: clean(location.href), referrer: shown.url, time: Date.now() };
  api.v = "";
  pending = moved = true;
  landing ||= shown;
  setTimeout(view, Wait.Look);
};

/** Send what may go; `leaving` says that the page is being hidden, so nothing can wait. */
const flush = (leaving?: boolean): void => {
  timer = 0;
  const refused = consent.marketing === false;
  if (refused ? !leaving : !consent.marketing && config.consent == "wait") return;
  if (!refused && landing) {
    // Shopify's sandbox leaves this mark while it makes the cookies: two would make them twice.
    if (!leaving && cookies.read("_tp_d")) return plan(Wait.Look);
    const domain = cookies.site();
    const { first } = load();
    cookies.mint(fbclid(landing.url), landing.time);
    // Come to with tags, or from another site.
    if (!first || landing.url.includes("?") || !(landing.referrer || domain).includes(domain))
      save({ first: first || landing, last: landing });
    landing = undefined;
  }
  const common = {
    checkout_token: api.k,
    consent,
    // A sale that was refused: its order must know, and nobody's ids may go.
    ...(refused
      ? { recorded: true }
      : {
          user_data: user,
          fbp: cookies.read("_fbp"),
          fbc: cookies.read("_fbc"),
          visitor_id: cookies.visitor(),
        }),
  };
  const ready = load().q || [];
  if (ready[0]) save({ q: undefined });
  queue = queue.filter(([event, at, key, place, vendor]) => {
    const late = leaving || Date.now() - at > Wait.ForVendor;
    const direct = hits[key]
      ? "sent"
      : !vendor
        ? "none"
        : late && !alive() && document.readyState < "d" // "complete", and neither of the others
          ? "blocked"
          : "unknown";
    const sale = event.event_name == "Purchase";
    const goes = refused ? sale : late || direct != "unknown";
    if (goes) {
      ready.push({ ...event, ...common, direct });
      if (!refused && !/View/.test(event.event_name))
        save({ s: [...(load().s || []), key, place].slice(-Most.Told) });
    }
    return !goes;
  });
  send(new URL(config.path + "/" + config.shop, config.url || from), ready);
  if (queue[0]) plan(Wait.Look);
};

const plan = (wait: number): void => (timer ||= setTimeout(flush, wait) as any);

const leave = (): void => {
  view();
  flush(true);
};

const track = (at: number, name: string, data?: Data, options?: { eventID?: string }): void =>
  add(at, name, data, options?.eventID || eventId(api, name));

const commands: Record<string, (at: number, ...args: any[]) => unknown> = {
  /** The page's settings; the pixel id of the page's fbq is none, and changes nothing. */
  init(_, settings: Config) {
    Object.assign(config, settings);
  },
  track,
  trackCustom: track,
  consent(at, answer: string | Consent) {
    // Of the two only a text has a first letter.
    Object.assign(consent, (answer as any)?.[0] ? { marketing: answer == "grant" } : answer, {
      at: seconds(at),
    });
    if (consent.marketing === false) {
      cookies.forget();
      save();
    }
  },
  identify(_, data: Data) {
    isSecureContext && Object.assign(user, data);
  },
  checkout(_, token: string) {
    api.k = token;
  },
  /** A call of the page's fbq, which carries an id now. */
  mirror(at, name: string, data: Data, id: string, single?: string) {
    if (single && config.pixel && single != config.pixel) known[name + id] = 1;
    else add(at, name, data, id, true);
  },
  dataProcessingOptions(_, [option]: string[]) {
    if (option) consent.sale_of_data = false;
  },
};

const handle = (at: number, [command, ...args]: any): void => {
  commands[command]?.(at, ...args);
  plan(0);
};

/** One without a queue is this script, already there. */
if (!stub || stub.q) {
  page.tillpost = api;
  if (stub) {
    api.k = stub.k;
    api.r = stub.r;
  } else trap(page);
  for (const [at, args] of stub?.q || []) handle(at, args);
  watch((name, id) => {
    hits[name! + id] = 1;
    // An id that no call of ours carried: told to the server, never sent on.
    if (name && (id || name == "Purchase"))
      add(Date.now(), name, {}, id || random(), false, true);
  });
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = (...args) => {
      original.apply(history, args);
      navigate();
    };
  }
  addEventListener("popstate", navigate);
  addEventListener("pagehide", leave);
  addEventListener("visibilitychange", leave);
  setTimeout(view, Wait.Look);
}
