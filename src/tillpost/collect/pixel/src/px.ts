/**
 * The browser script: takes calls in fbq's shape, mirrors the page's own fbq calls, and
 * sends both to the shop's server. See `docs/guides/pixel.md` for what it does and does not.
 */

import { carry } from "./cart";
import * as cookies from "./cookies";
import { eventId, random, trap, type Tillpost } from "./fbq";
import { clean, fbclid, landed, place } from "./landing";
import { leftovers, seconds, send } from "./send";
import * as store from "./store";
import type { Config, Consent, Data, PixelEvent, Touch } from "./types";
import { watch } from "./vendor";

/** An event that waits: for consent, or to learn whether the vendor's own hit went out. */
interface Item {
  event: PixelEvent;
  /** When it was called, in ms. */
  at: number;
  /** The page called the vendor for it too. */
  vendor?: boolean;
}

const page = window as any;
const script = document.currentScript as HTMLScriptElement | null;
const stub: Tillpost | undefined = page.tillpost;
const config: Config = { ...page._tillpost };

/** Longest wait, in ms, for the vendor's hit: a Purchase must not miss its order. */
const PATIENCE = 1500;
const POLL = 250;

const known = new Map<string, Item>();
const hits = new Set<string>();
let queue: Item[] = [];
let granted: boolean | undefined;
let limited = !!(navigator as any).globalPrivacyControl;
let decidedAt = Date.now();
let user: Data | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let wantsCart = false;
let begun = false;

/** The page shown now: its address, where from, since when, and whether its view is still to be told. */
let url = clean(stub?.u || location.href);
let here = place(location.href);
let referrer = clean(document.referrer);
let landing: Touch | undefined = { url, referrer, time: Date.now() };
let pending = true;
let moved = false;
let opened = Date.now();

const api: Tillpost = (...args) => handle(Date.now(), args);

const endpoint = (): string =>
  (config.url || new URL(script?.src || location.href).origin) +
  (config.path || "/px") + "/" + config.shop;

function consent(): Consent | undefined {
  if (granted === undefined && !limited) return undefined;
  return {
    marketing: granted,
    sale_of_data: limited ? false : undefined,
    source: granted === undefined ? "gpc" : "page",
    at: seconds(decidedAt),
  };
}

/** Queue an event once; `vendor` is undefined where `extra` already tells of the vendor's hit. */
function add(
  at: number, name: string, data: Data | undefined, id: string, vendor?: boolean, extra?: object,
): void {
  const key = name + id;
  const twin = known.get(key);
  if (twin) {
    twin.vendor ||= vendor;
    return;
  }
  const event: PixelEvent = {
    event_name: name,
    event_id: id,
    event_time: seconds(at),
    event_source_url: url,
    referrer_url: referrer || undefined,
    custom_data: data,
    direct: "unknown",
    ...extra,
  };
  const item = { event, at, vendor };
  known.set(key, item);
  queue.push(item);
  plan(0);
}

/** Report the page itself, unless the page or its fbq did. */
function view(): void {
  if (!pending || config.views === false) return;
  pending = false;
  // On a change of address the vendor's library reports a view by itself, without an id.
  if (moved && page.fbq?.callMethod) {
    add(opened, "PageView", {}, random(), undefined, { mirror: false });
  } else {
    const id = random();
    add(opened, "PageView", {}, id, false);
    api.v = id;
  }
}

function navigate(): void {
  const next = place(location.href);
  if (next == here) return;
  view();
  referrer = url;
  url = clean(location.href);
  here = next;
  opened = Date.now();
  api.v = "";
  pending = moved = true;
  if (!landing || url.includes("?")) landing = { url, referrer, time: opened };
  setTimeout(view, POLL);
}

/** Whether the event may go: what became of the vendor's own hit is known, or time is up. */
function settled({ event, vendor }: Item, late: boolean): boolean {
  if (vendor === undefined) return true;
  const blocked = late && !page.fbq?.callMethod && document.readyState == "complete";
  event.direct = !vendor
    ? "none"
    : hits.has(event.event_name + event.event_id)
      ? "sent"
      : blocked
        ? "blocked"
        : "unknown";
  return late || event.direct != "unknown";
}

/** Cookies and landings: the first storing of anything, so only what may be stored comes here. */
function settle(): string {
  const domain = cookies.site(config.index);
  if (landing) {
    if (config.mint !== false) cookies.mint(fbclid(landing.url), landing.time);
    const { f } = store.load();
    if (!f || landed(landing.url, landing.referrer, domain))
      store.save({ f: f || landing, l: landing });
    landing = undefined;
  }
  return cookies.visitor(random);
}

/** Send what may go; `leaving` says that the page is being hidden, so nothing can wait. */
function flush(leaving?: boolean): void {
  clearTimeout(timer);
  timer = undefined;
  if (!config.shop || granted === false || (!granted && config.consent == "wait")) return;
  const visitor = settle();
  const common = {
    user_data: user,
    fbp: cookies.read("_fbp") || undefined,
    fbc: cookies.read("_fbc") || undefined,
    visitor_id: visitor,
    checkout_token: api.k,
    consent: consent(),
  };
  const waiting: Item[] = [];
  const ready: PixelEvent[] = [];
  for (const item of queue) {
    if (settled(item, leaving || Date.now() - item.at > PATIENCE))
      ready.push({ ...item.event, ...common });
    else waiting.push(item);
  }
  queue = waiting;
  const old = begun ? [] : leftovers();
  begun = true;
  send(endpoint(), old, leaving);
  send(endpoint(), ready, leaving);
  if (waiting[0]) plan(POLL);
  if (wantsCart && granted) carry(visitor, "granted");
}

function plan(wait: number): void {
  timer ??= setTimeout(flush, wait);
}

function leave(): void {
  view();
  flush(true);
}

/** A sale that was refused: its order must know, and nothing else may go. */
function refuse(): void {
  const events = queue
    .filter(({ event }) => event.event_name == "Purchase")
    .map(({ event: { event_name, event_id, event_time } }) => ({
      event_name, event_id, event_time,
      checkout_token: api.k, direct: "unknown", consent: consent(), mirror: false,
    }));
  if (config.shop && granted === false && api.k && events[0])
    navigator.sendBeacon(endpoint(), JSON.stringify({ events }));
}

function decide(at: number, answer: string): void {
  granted = answer == "grant";
  decidedAt = at;
  if (!granted) {
    const carried = store.load().c;
    cookies.forget(config.index);
    store.forget();
    if (carried) carry("", "denied");
  }
  plan(0);
}

function track(at: number, name: string, data?: Data, options?: { eventID?: string }): void {
  if (name == "PageView") pending = false;
  add(at, name, data, options?.eventID || eventId(api, name), false);
}

const commands: Record<string, (at: number, ...args: any[]) => void> = {
  init(_, settings: Config) {
    Object.assign(config, settings);
    plan(0);
  },
  track,
  trackCustom: track,
  consent: decide,
  identify(_, data: Data) {
    if (isSecureContext) user = { ...user, ...data };
  },
  checkout(_, token: string) {
    api.k = token;
  },
  cart() {
    wantsCart = true;
    plan(0);
  },
  /** A call of the page's fbq that carries an id now. */
  mirror(at, name: string, data: Data, { eventID }, single?: string) {
    if (name == "PageView") pending = false;
    if (single && config.pixel && single != config.pixel) known.set(name + eventID, {} as Item);
    else add(at, name, data, eventID, true);
  },
  /** Any other call of the page's fbq. */
  fbq(at, command: string, value: any) {
    if (command == "init") config.pixel ||= value;
    if (command == "consent") decide(at, value);
    if (command == "dataProcessingOptions") limited ||= value?.[0] == "LDU";
  },
};

function handle(at: number, [command, ...args]: any[]): void {
  commands[command]?.(at, ...args);
}

/** A stub without a queue is this script, already there. */
if (!stub?.w || stub.q) {
  page.tillpost = api;
  api.k = stub?.k;
  api.w = stub?.w;
  if (!api.w) trap(page);
  for (const call of (stub?.q || []) as any[]) {
    if (call[0] > 0) handle(call[0], call[1]);
    else handle(Date.now(), call);
  }
  watch((name, id) => {
    hits.add(name + id);
    // An id that no call of ours carried: told to the server, never sent on.
    if (id ? !known.has(name + id) : name == "Purchase")
      add(Date.now(), name, {}, id || random(), undefined, { direct: "sent", mirror: false });
  });
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (...args) {
      original.apply(this, args);
      navigate();
    };
  }
  addEventListener("popstate", navigate);
  addEventListener("visibilitychange", () => document.visibilityState == "hidden" && leave());
  addEventListener("pagehide", () => (leave(), refuse()));
  const soon = () => setTimeout(view, POLL);
  if (document.readyState == "complete") soon();
  else addEventListener("load", soon);
  plan(0);
}
