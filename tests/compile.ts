import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";

const compiled = "tests/compiled";
const startable = /(-child|fake-engine)\.ts$/;

/** What the tests' own processes import of the program is what was built, so that they run what a user would. */
const programAsBuilt: Plugin = {
  name: "program as built",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /\/src\// }, ({ path, importer }) => {
      const [, inside] = resolve(dirname(importer), path).split(join(resolve("src"), "/"));
      return inside ? { path: resolve("dist", inside) } : null;
    });
    // Files that the program finds beside itself are where they were.
    onLoad({ filter: /[\\/]dist[\\/].*\.js$/ }, ({ path }) => {
      if (!path.startsWith(resolve("dist"))) return null;
      const own = JSON.stringify(pathToFileURL(path).href);
      return { contents: readFileSync(path, "utf8").replaceAll("import.meta.url", own) };
    });
  },
};

/** The program with files of `tests/support` in the place of its own in `cli/`. */
const inPlaceOf = (files: Readonly<Record<string, string>>): Plugin => ({
  name: "in place of",
  setup({ onResolve }) {
    const ours = new Map(
      Object.entries(files).map(([name, file]) => [
        resolve("dist", "cli", `${name}.js`),
        resolve("tests", "support", file),
      ]),
    );
    onResolve({ filter: /^\.\.?\// }, ({ path, importer }) => {
      const found = ours.get(resolve(dirname(importer), path));
      return found === undefined ? null : { path: found };
    });
  },
});

const options: BuildOptions = {
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  // With what they find beside themselves, or too large to be worth it.
  external: ["better-sqlite3", "node-llama-cpp", "@faker-js/faker"],
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  logLevel: "warning",
};

/**
 * Compiles what tests start as processes of their own, each to one file with all that it imports; see
 * `childScript` and `scriptedProgram`. A start that loads a thousand modules takes a second of processor
 * time longer, compiled by tsx two more, and there are hundreds.
 */
export async function compileChildren(): Promise<void> {
  rmSync(compiled, { recursive: true, force: true });
  const children = readdirSync("tests", { recursive: true, encoding: "utf8" })
    .filter((name) => startable.test(name))
    .map((name) => join("tests", name));
  await build({
    ...options,
    entryPoints: children,
    outdir: compiled,
    entryNames: "[name]",
    plugins: [programAsBuilt],
  });
  const scripted = { machine: "scripted-machine.ts" };
  const served = { machine: "served-machine.ts", endpoints: "served-endpoints.ts" };
  for (const [name, files] of Object.entries({ scripted, served })) {
    await build({
      ...options,
      entryPoints: ["dist/cli/main.js"],
      outdir: join(compiled, name),
      plugins: [inPlaceOf(files), programAsBuilt],
    });
  }
}
