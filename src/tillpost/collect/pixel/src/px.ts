/**
 * The browser script: takes calls in fbq's shape, mirrors the page's own fbq calls, and
 * sends both to the shop's server. See `docs/guides/pixel.md` for what it does and does not.
 */

import * as cookies from "./cookies";
import { eventId, random, trap, type Tillpost } from "./fbq";
import { clean, fbclid, landed } from "./landing";
import { seconds, send } from "./send";
import { load, save } from "./store";
import type { Config, Data, PixelEvent, Touch } from "./types";
import { watch } from "./vendor";

/**
 * An event that waits for consent, or to learn what became of the vendor's own hit:
 * the event, when it was called (ms), and whether the page called the vendor for it.
 */
type Item = [event: PixelEvent, at: number, key: string, vendor?: boolean];

const page = window as any;
const script = document.currentScript as HTMLScriptElement | null;
const stub: Tillpost | undefined = page.tillpost;
const config: Config = { ...page._tillpost };

/** Waits in ms. A Purchase must not miss its order while the vendor's hit is waited for. */
const enum Wait {
  ForVendor = 1500,
  Look = 300,
}

const known = new Set<string>();
const hits = new Set<string>();
let queue: Item[] = [];
let granted: boolean | undefined;
let limited: boolean = (navigator as any).globalPrivacyControl;
let opened = Date.now();
let decided = opened;
let user: Data = {};
let timer: unknown;

/** The page shown now: its address, where from, and whether its view is still to be told. */
let url = clean(stub?.u || location.href);
let here = location.pathname;
let referrer = clean(document.referrer);
let landing: Touch | undefined = { url, referrer, time: opened };
let pending = true;
let moved = false;

/** Whether the vendor's library is there. */
const alive = (): unknown => page.fbq?.callMethod;

const api: Tillpost = (...args) => handle(Date.now(), args);

/** Queue an event once. */
function add(
  at: number, name: string, data: Data | undefined, id: string, vendor?: boolean, mirror?: false,
): void {
  const key = name + id;
  if (name == "PageView") pending = false;
  if (known.has(key)) return;
  known.add(key);
  const event: PixelEvent = {
    event_name: name,
    event_id: id,
    event_time: seconds(at),
    event_source_url: url,
    referrer_url: referrer || undefined,
    custom_data: data,
    direct: "none",
    mirror,
  };
  queue.push([event, at, key, vendor]);
  plan(0);
}

/** Report the page itself, unless the page or its fbq did. */
function view(): void {
  if (!pending || config.views === false) return;
  const id = random();
  // On a change of address the vendor's library reports a view by itself, without an id.
  if (moved && alive()) add(opened, "PageView", {}, id, false, false);
  else add(opened, "PageView", {}, (api.v = id));
}

function navigate(): void {
  if (location.pathname == here) return;
  view();
  referrer = url;
  url = clean(location.href);
  here = location.pathname;
  opened = Date.now();
  api.v = "";
  pending = moved = true;
  landing ||= { url, referrer, time: opened };
  setTimeout(view, Wait.Look);
}

/** Cookies and landings: the first storing of anything, so only what may be stored comes here. */
function settle(): void {
  const domain = cookies.site(config.index);
  if (!landing) return;
  if (config.mint !== false) cookies.mint(fbclid(landing.url), landing.time);
  const { f } = load();
  if (!f || landed(landing.url, landing.referrer, domain)) save({ f: f || landing, l: landing });
  landing = undefined;
}

/** Send what may go; `leaving` says that the page is being hidden, so nothing can wait. */
function flush(leaving?: boolean): void {
  timer = 0;
  const refused = granted === false;
  if (!config.shop || (refused ? !leaving : !granted && config.consent == "wait")) return;
  if (!refused) settle();
  const common = {
    checkout_token: api.k,
    consent: {
      marketing: granted,
      sale_of_data: limited ? false : undefined,
      source: "page",
      at: seconds(decided),
    },
    // A sale that was refused: its order must know, and nobody's ids may go.
    ...(refused
      ? { mirror: false as const }
      : {
          user_data: user,
          fbp: cookies.read("_fbp"),
          fbc: cookies.read("_fbc"),
          visitor_id: cookies.visitor(),
        }),
  };
  const ready: PixelEvent[] = [];
  queue = queue.filter(([event, at, key, vendor]) => {
    const late = leaving || Date.now() - at > Wait.ForVendor;
    const direct = hits.has(key)
      ? "sent"
      : !vendor
        ? "none"
        : late && !alive() && document.readyState == "complete"
          ? "blocked"
          : "unknown";
    const goes = refused ? event.event_name == "Purchase" : late || direct != "unknown";
    if (goes) ready.push({ ...event, ...common, direct });
    return refused || !goes;
  });
  const endpoint = new URL(
    (config.path || "/px") + "/" + config.shop,
    config.url || script?.src || location.href,
  );
  const { q } = load();
  if (q) {
    save({ q: undefined });
    send(endpoint, q);
  }
  send(endpoint, ready);
  if (queue[0]) plan(Wait.Look);
}

function plan(wait: number): void {
  timer ||= setTimeout(flush, wait);
}

function leave(): void {
  view();
  flush(true);
}

function track(at: number, name: string, data?: Data, options?: { eventID?: string }): void {
  add(at, name, data, options?.eventID || eventId(api, name));
}

const commands: Record<string, (at: number, ...args: any[]) => void> = {
  init(_, settings: Config) {
    Object.assign(config, settings);
  },
  track,
  trackCustom: track,
  consent(at, answer: string) {
    granted = answer == "grant";
    decided = at;
    if (!granted) {
      cookies.forget(config.index);
      save();
    }
  },
  identify(_, data: Data) {
    if (isSecureContext) Object.assign(user, data);
  },
  checkout(_, token: string) {
    api.k = token;
  },
  /** A call of the page's fbq, which carries an id now. */
  mirror(at, name: string, data: Data, id: string, single?: string) {
    if (single && config.pixel && single != config.pixel) known.add(name + id);
    else add(at, name, data, id, true);
  },
  /** Any other call of the page's fbq. */
  fbq(at, command: string, value: any) {
    if (command == "init") config.pixel ||= value;
    if (command == "consent") commands.consent!(at, value);
    if (command == "dataProcessingOptions") limited ||= value?.[0] == "LDU";
  },
};

function handle(at: number, [command, ...args]: any[]): void {
  commands[command]?.(at, ...args);
  plan(0);
}

/** A trap without a queue is this script's, already there. */
if (!stub?.w || stub.q) {
  page.tillpost = api;
  api.k = stub?.k;
  if (!stub?.w) trap(page);
  api.w = 1;
  for (const call of (stub?.q || []) as any[]) {
    if (call[0] > 0) handle(call[0], call[1]);
    else handle(Date.now(), call);
  }
  watch((name, id) => {
    hits.add(name + id);
    // An id that no call of ours carried: told to the server, never sent on.
    if (id || name == "Purchase")
      add(Date.now(), name, {}, id || random(), false, false);
  });
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (...args) {
      original.apply(this, args);
      navigate();
    };
  }
  addEventListener("popstate", navigate);
  addEventListener("visibilitychange", leave);
  addEventListener("pagehide", leave);
  setTimeout(view, Wait.Look);
  plan(0);
}
