// The packages of package-lock.json → the bundle that the page loads, and the licences of all that is in it.
import { build } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const serve = join(here, "..", "..", "resgraph", "serve");
const done = await build({
  entryPoints: [join(here, "entry.js")],
  outfile: join(serve, "codemirror.js"),
  bundle: true, format: "esm", minify: true, legalComments: "none", target: "es2022", metafile: true,
});
const packages = [...new Set(Object.keys(done.metafile.inputs)
  .map((file) => file.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1]).filter(Boolean))].sort();
const texts = packages.map((name) => {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n`;
});
writeFileSync(join(serve, "codemirror.LICENSES.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
console.log(packages.join(" "));
