/** The vendor's own hits, as the browser's resource timings tell of them. */

/** Call `seen` with the name and id (empty if none) of each hit, past ones included. */
export function watch(seen: (name: string, id: string) => void): void {
  try {
    new PerformanceObserver((list) => {
      for (const { name } of list.getEntries()) {
        const query = /^\w+:\/\/[^/]+\/tr\/?(\?.*)/.exec(name);
        const get = (key: string) => (query && new URLSearchParams(query[1]).get(key)) || "";
        if (get("ev")) seen(get("ev"), get("eid"));
      }
    }).observe({ type: "resource", buffered: true });
  } catch (_) {} // a browser without resource timings: `direct` stays unknown
}
