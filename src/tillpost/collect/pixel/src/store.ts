/** What outlives the page: the first and the last landing, unsent events, the cart's last state. */

import type { PixelEvent, Touch } from "./types";

const KEY = "_tp";

/** So that the whole stays under 64 KiB, and a beacon of it too, whatever the script of its text. */
const MOST = 16000;

export interface Kept {
  /** First and last landing. */
  f?: Touch;
  l?: Touch;
  /** Events that did not get through, without identity. */
  q?: PixelEvent[];
  /** What was last written to the cart. */
  c?: string;
}

/** What is kept; empty where the browser allows no storage. */
export function load(): Kept {
  try {
    return JSON.parse(localStorage.getItem(KEY)!) || {};
  } catch (_) {
    return {};
  }
}

/** Change what is kept; the oldest unsent events go first when there is no room. */
export function save(change: Kept): void {
  const kept = { ...load(), ...change };
  while (kept.q?.[0] && JSON.stringify(kept.q).length > MOST) kept.q.shift();
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch (_) {}
}

export function forget(): void {
  try {
    localStorage.removeItem(KEY);
  } catch (_) {}
}
