// Builds the committed files; with a folder as argument it builds there, for the test that compares.
import { build } from "esbuild";

const outdir = process.argv[2] ?? ".";
const common = { bundle: true, minify: true, format: "iife", charset: "utf8", legalComments: "none", tsconfigRaw: {} };

// The stub stands inline in shop pages and tag managers, some of which take nothing newer than ES5.
await build({ ...common, target: "es5", entryPoints: ["src/stub.ts"], outdir });
await build({ ...common, target: "es2021", entryPoints: ["src/px.ts", "src/shopify.ts", "src/theme.ts"], outdir });
