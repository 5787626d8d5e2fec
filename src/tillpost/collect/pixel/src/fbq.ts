/**
 * The trap around `fbq`, which both the inline stub and the script carry.
 *
 * It stands before the vendor's base code runs, gives each call an id where the page
 * gave none, and tells `tillpost` of it. `var` throughout: nothing turns it into ES5 for the stub.
 */

import type { Kept } from "./types";

/** `tillpost` as the trap sees it: a function with what must be known before the script is there. */
export interface Tillpost {
  (...args: unknown[]): void;
  /** Calls made before the script came; the script itself has none. */
  q?: [ms: number, args: ArrayLike<unknown>][];
  /** The checkout's token. */
  k?: string;
  /** The id of a PageView that was already reported, for a vendor's PageView that comes late. */
  v?: string;
  /** The address the page was opened with: pages like to strip its tags. */
  u?: string;
  /** Whether a page that is loaded again told an event of this name, and the shopper did nothing since. */
  r?(name: string): unknown;
}

var JOINED: Record<string, string> = { Purchase: "purchase.", InitiateCheckout: "ic." };

/** Decimal digits of `words` times 32 random bits; three make an id that nobody can guess. */
export var random = (words?: number): string => {
  return crypto.getRandomValues(new Uint32Array(words || 3)).join("");
};

/**
 * The id of a new event: the checkout's own where the server will know it too. It is empty for
 * what a page only tells because it was loaded again.
 */
export var eventId = (tillpost: Tillpost, name: string): string => {
  var prefix = tillpost.k && JOINED[name];
  var view = tillpost.v;
  if (prefix) return prefix + tillpost.k;
  if (name != "PageView" || !view) return tillpost.r?.(name) ? "" : random();
  tillpost.v = "";
  return view;
};

/** What the script keeps in this browser; empty where that allows no storage. */
export var load = (): Kept => {
  try {
    return JSON.parse(localStorage._tp);
  } catch (_) {
    return {};
  }
};

/** The call as it goes on, with its id; nothing for what an earlier page told. */
var note = (page: any, call: ArrayLike<any>, sold?: string[]): any[] | undefined => {
  var args = Array.from(call);
  var kind = /^track(Single)?(Custom)?$/.exec(args[0]);
  if (kind) {
    var at = kind[1] ? 2 : 1;
    var data = (args[at + 1] ||= {});
    var options = (args[at + 2] ||= {});
    options.eventID ||= eventId(page.tillpost, args[at]);
    if (!options.eventID || sold?.includes(args[at] + options.eventID)) return;
    page.tillpost("mirror", args[at], data, options.eventID, kind[1] && args[1]);
  }
  // `init`, `consent` and `dataProcessingOptions` mean the same here; nothing else is known.
  else page.tillpost(args[0], args[1]);
  return args;
};

/** Set the trap on `page.fbq`, there already or still to come. */
export var trap = (page: any): void => {
  var wrapped: unknown;
  var there = page.fbq;
  var sold = load().s;
  var set = (fbq: any) => {
    wrapped =
      fbq &&
      new Proxy(fbq, {
        apply: (target, self, args: any) => {
          args = note(page, args, sold);
          return args && target.apply(self, args);
        },
      });
  };
  // Calls that still wait for the vendor's library can be given their ids; later ones cannot.
  if (there?.queue) there.queue = there.queue.map((call: any) => note(page, call, sold)).filter((call: any) => call);
  set(there);
  try {
    Object.defineProperty(page, "fbq", { configurable: true, get: () => wrapped, set });
  } catch (_) {
    page.fbq = wrapped; // declared with `var` by the page: only replacing it is left
  }
};
