/** Beacons out; what did not get through waits for the next page. */

import { load } from "./fbq";
import { save } from "./store";
import type { PixelEvent } from "./types";

/** Events in one beacon, so that it stays under the 64 KiB of a keepalive request. */
const enum Batch {
  Events = 20,
}

/** Unix seconds of a time in milliseconds. */
export const seconds = (ms: number): number => (ms / 1000) >>> 0;

/** Answers from here on may be another one later: too many requests, server errors. */
const enum Status {
  Later = 429,
}

/** Send to `url`, also when the page goes away; what fails is kept without its identity. */
export const send = (url: URL, events: PixelEvent[]): void => {
  while (events[0]) {
    const batch = events.splice(0, Batch.Events);
    const keep = () =>
      save({ q: [...(load().q || []), ...batch.map((event) => ({ ...event, user_data: undefined }))] });
    // A text body needs no preflight. What the server refuses for good is not tried again.
    fetch(url, {
      method: "POST",
      keepalive: true,
      // The server renews the cookies in its answer, which outlives what a script may write.
      credentials: "include",
      body: JSON.stringify({
        ...load(),
        q: undefined,
        s: undefined,
        events: batch,
        sent_at: seconds(Date.now()),
      }),
    }).then((answer) => answer.status >= Status.Later && keep(), keep);
  }
};
