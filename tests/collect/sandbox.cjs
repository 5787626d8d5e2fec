// Shopify's sandbox, as far as the custom pixel needs it: runs the pixel in file 1 on the
// standard event in file 2, and prints the beacon that it sends.
const { readFileSync } = require("node:fs");
const { webcrypto } = require("node:crypto");
const vm = require("node:vm");

const [pixel, sample] = process.argv.slice(2).map((path) => readFileSync(path, "utf8"));
const event = JSON.parse(sample);
const handlers = {};
const kept = new Map();
const cookies = new Map();
const bodies = [];
const allowed = { marketingAllowed: true, analyticsProcessingAllowed: true, saleOfDataAllowed: true };
const page = {
  URL, URLSearchParams, setTimeout, clearTimeout, crypto: webcrypto, console, TextEncoder,
  analytics: { subscribe: (name, then) => (handlers[name] = then) },
  browser: {
    cookie: {
      get: async (name) => cookies.get(name) ?? "",
      set: async (text) => cookies.set(...text.split(";")[0].split(/=(.*)/s)),
    },
    localStorage: {
      getItem: async (key) => kept.get(key) ?? null,
      setItem: async (key, value) => kept.set(key, value),
      removeItem: async (key) => kept.delete(key),
    },
  },
  init: {
    context: event.context ?? { document: { location: { hostname: "shop.example", href: "" } } },
    data: { shop: { countryCode: "US" } },
    customerPrivacy: allowed,
  },
  customerPrivacy: { subscribe: () => undefined },
  fetch: async (_url, { body }) => (bodies.push(body), { ok: true, status: 204 }),
};
page.window = page;
vm.runInNewContext(pixel, page);
handlers[event.name]?.(event);
setTimeout(() => {
  const events = bodies.flatMap((body) => JSON.parse(body).events);
  console.log(JSON.stringify({ known: event.name in handlers, events }));
}, 50);
