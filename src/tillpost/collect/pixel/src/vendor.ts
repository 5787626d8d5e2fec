/** The vendor's own hits, as the browser's resource timings tell of them. */

/** Call `seen` with the name and id (empty if none) of each hit, past ones included. */
export function watch(seen: (name: string, id: string) => void): void {
  new PerformanceObserver((list) => {
    for (const { name } of list.getEntries()) {
      const { pathname, searchParams: hit } = new URL(name);
      if (/^\/tr\/?$/.test(pathname) && hit.get("ev")) seen(hit.get("ev")!, hit.get("eid") || "");
    }
  }).observe({ type: "resource", buffered: true });
}
