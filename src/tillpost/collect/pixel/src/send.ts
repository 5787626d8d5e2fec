/** Beacons out; what did not get through waits for the next page. */

import { load, save } from "./store";
import type { PixelEvent } from "./types";

/** Events in one beacon, so that it stays under the 64 KiB of a keepalive request. */
const BATCH = 20;

/** Seconds after which an unsent event is given up. */
const STALE = 172800;

/** Unix seconds of a time in milliseconds. */
export const seconds = (ms: number): number => Math.floor(ms / 1000);

function keep(events: PixelEvent[]): void {
  save({
    q: [...(load().q || []), ...events.map((event) => ({ ...event, user_data: undefined }))],
  });
}

/** Send to `url`; `last` says that the page goes away and nobody will read the answer. */
export function send(url: string, events: PixelEvent[], last?: boolean): void {
  for (let i = 0; i < events.length; i += BATCH) {
    const batch = events.slice(i, i + BATCH);
    const { f, l } = load();
    const body = JSON.stringify({ events: batch, sent_at: seconds(Date.now()), first: f, last: l });
    if (last) {
      if (!navigator.onLine || !navigator.sendBeacon(url, body)) keep(batch);
    } else {
      // A text body needs no preflight; what the server refuses for good is not tried again.
      fetch(url, { method: "POST", body, keepalive: true }).then(
        ({ status }) => (status > 499 || status == 429) && keep(batch),
        () => keep(batch),
      );
    }
  }
}

/** Take what an earlier page left. */
export function leftovers(): PixelEvent[] {
  const left = load().q || [];
  if (left[0]) save({ q: [] });
  return left.filter((event) => event.event_time > seconds(Date.now()) - STALE);
}

