/** Beacons out; what did not get through waits for the next page. */

import { load, save } from "./store";
import type { PixelEvent } from "./types";

/** Events in one beacon, so that it stays under the 64 KiB of a keepalive request. */
const enum Batch {
  Events = 20,
}

/** Unix seconds of a time in milliseconds. */
export const seconds = (ms: number): number => (ms / 1000) >>> 0;

/** Send to `url`, also when the page goes away; what fails is kept without its identity. */
export function send(url: URL, events: PixelEvent[]): void {
  while (events[0]) {
    const batch = events.splice(0, Batch.Events);
    const { f, l } = load();
    const keep = () =>
      save({ q: [...(load().q || []), ...batch.map((event) => ({ ...event, user_data: undefined }))] });
    // When the page is gone nobody will hear of a failure; that it is offline is known before.
    if (!navigator.onLine) keep();
    else
      // A text body needs no preflight. What the server refuses for good is not tried again.
      fetch(url, {
        method: "POST",
        keepalive: true,
        body: JSON.stringify({ events: batch, sent_at: seconds(Date.now()), first: f, last: l }),
      }).then(({ status }) => (status > 499 || status == 429) && keep(), keep);
  }
}
