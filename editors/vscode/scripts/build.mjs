// Bundles the extension into dist/, with the licenses of what is bundled; or with --tests the unit tests into out/unit/.

import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const common = { bundle: true, platform: "node", target: "node20", format: "cjs", logLevel: "warning" };

if (process.argv.includes("--tests")) await buildTests();
else await buildExtension();

async function buildTests() {
  rmSync("out/unit", { recursive: true, force: true });
  const names = readdirSync("test/unit").filter((name) => name.endsWith(".test.ts"));
  const entryPoints = names.map((name) => `test/unit/${name}`);
  await build({ ...common, entryPoints, outdir: "out/unit", sourcemap: "inline" });
}

async function buildExtension() {
  rmSync("dist", { recursive: true, force: true });
  const { metafile } = await build({
    ...common,
    entryPoints: ["src/extension.ts"],
    outfile: "dist/extension.js",
    external: ["vscode"],
    minify: true,
    metafile: true,
  });
  writeFileSync("dist/third-party-licenses.txt", licensesOf(Object.keys(metafile.inputs)));
}

function licensesOf(inputs) {
  const folders = inputs.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean);
  return [...new Set(folders)].sort().map(licenseOf).join("\n\n");
}

function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(`${folder}/${file}`, "utf8").trim() : ""}`;
}
