/** What outlives the page: the first and the last landing, and events that did not get through. */

import type { PixelEvent, Touch } from "./types";

/** Characters of unsent events: in whatever script their text is, that is under 64 KiB. */
const enum Most {
  Characters = 16000,
}

export interface Kept {
  first?: Touch;
  last?: Touch;
  /** Events that did not get through, without identity. */
  q?: PixelEvent[];
}

/** What is kept; empty where the browser allows no storage. */
export const load = (): Kept => {
  try {
    return JSON.parse(localStorage._tp);
  } catch {
    return {};
  }
};

/** Change what is kept, or drop it all; the oldest unsent events go when there is no room. */
export const save = (change?: Kept): void => {
  const kept = { ...load(), ...change };
  while (JSON.stringify(kept.q)?.length > Most.Characters) kept.q!.shift();
  try {
    if (change) localStorage._tp = JSON.stringify(kept);
    else delete localStorage._tp;
  } catch {}
};
