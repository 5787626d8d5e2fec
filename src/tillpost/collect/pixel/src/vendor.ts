/** The vendor's own hits, as the browser's resource timings tell of them. */

/** Call `seen` with the name and id (null if the address does not tell) of each hit, past ones included. */
export const watch = (seen: (name: string | null, id: string | null) => void): void => {
  new PerformanceObserver((list) => {
    for (const { name } of list.getEntries()) {
      const { pathname, searchParams: hit } = new URL(name);
      if (/\/tr\/?$/.test(pathname)) seen(hit.get("ev"), hit.get("eid"));
    }
  }).observe({ type: "resource", buffered: true });
};
