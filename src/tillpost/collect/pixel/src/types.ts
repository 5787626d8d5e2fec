/** The shapes that the script, the page and the server share. */

/** Did the page's own vendor hit go out? `none`: the event has no vendor call. */
export type Direct = "sent" | "blocked" | "none" | "unknown";

export type Data = Record<string, unknown>;

/** What the shopper allowed; `at` is in Unix seconds. */
export interface Consent {
  marketing?: boolean;
  analytics?: boolean;
  sale_of_data?: boolean;
  /** Consent strings of IAB's frameworks, for the server to read. */
  tcf?: string;
  gpp?: string;
  /** Who said so; absent: the page. */
  source?: string;
  at: number;
}

/** One event of the beacon; `event_time` is in Unix seconds. */
export interface PixelEvent {
  event_name: string;
  event_id: string;
  event_time: number;
  event_source_url?: string;
  referrer_url?: string;
  custom_data?: Data;
  user_data?: Data;
  fbp?: string;
  fbc?: string;
  visitor_id?: string;
  checkout_token?: string;
  cart_token?: string;
  direct: Direct;
  consent?: Consent;
  /** Seen only, and not to be sent on, since the page's own hit cannot share its id. */
  recorded?: boolean;
}

/** A landing: its address without anything but campaign tags and click ids. */
export interface Touch {
  url: string;
  referrer?: string;
  time: number;
}

/** What outlives the page. */
export interface Kept {
  first?: Touch;
  last?: Touch;
  /** What was told last besides views: each as its name and id, and as its name and page. */
  s?: string[];
  /** Events that did not get through, without identity. */
  q?: PixelEvent[];
}

/** What the server writes into the script, or the page gives to `tillpost('init', ...)`. */
export interface Config {
  shop?: string;
  /** The server's address; empty means where the script came from. */
  url?: string;
  path?: string;
  /** `wait`: nothing is stored or sent before `tillpost('consent', 'grant')`. */
  consent?: "open" | "wait";
  /** `false`: the page calls `tillpost('track', 'PageView')` itself. */
  views?: boolean;
  /** The vendor's pixel whose `trackSingle` calls are mirrored; absent means all of them. */
  pixel?: string;
}
