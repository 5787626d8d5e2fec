// Builds the committed files; with a folder as argument it builds there, for the test that compares.
import { writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { minify } from "terser";

const outdir = process.argv[2] ?? ".";

/** One file of what an entry point needs, and as small as two minifiers make it: terser also inlines. */
const make = async (name, target, ecma) => {
  const { outputFiles } = await build({
    entryPoints: [`src/${name}.ts`],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target,
    charset: "utf8",
    legalComments: "none",
    tsconfigRaw: {},
  });
  const { code } = await minify(outputFiles[0].text, { ecma, compress: { passes: 2 } });
  await writeFile(`${outdir}/${name}.js`, code + "\n");
};

// The stub stands inline in shop pages and tag managers, some of which take nothing newer than ES5.
await make("stub", "es5", 5);
for (const name of ["px", "shopify", "theme"]) await make(name, "es2021", 2021);
