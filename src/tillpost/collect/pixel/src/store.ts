/** What outlives the page: the first and the last landing, sales, and events that did not get through. */

import { load } from "./fbq";
import type { Kept } from "./types";

/** Characters of unsent events: in whatever script their text is, that is under 64 KiB. */
const enum Most {
  Characters = 16000,
}

/** Change what is kept, or drop it all; the oldest unsent events go when there is no room. */
export const save = (change?: Kept): void => {
  const kept = { ...load(), ...change };
  while (JSON.stringify(kept.q)?.length > Most.Characters) kept.q!.shift();
  try {
    if (change) localStorage._tp = JSON.stringify(kept);
    else delete localStorage._tp;
  } catch {}
};
