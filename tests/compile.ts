import { readdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { build, type Plugin } from "esbuild";

const compiled = "tests/compiled";
const startable = /(-child|fake-engine|(scripted|served)-(machine|endpoints))\.ts$/;

/** What the tests' own processes import of the program is what was built, so that they run what a user would. */
const programAsBuilt: Plugin = {
  name: "program as built",
  setup({ onResolve }) {
    onResolve({ filter: /\/src\// }, ({ path, importer }) => {
      const source = resolve(dirname(importer), path);
      const inside = source.slice(resolve("src").length + 1);
      return { path: join(resolve("dist"), inside), external: true };
    });
  },
};

/**
 * Compiles what tests start as processes of their own, each to one file; see `childScript`. Compiled
 * at every start, as by tsx, one takes two seconds longer, and there are hundreds.
 */
export async function compileChildren(): Promise<void> {
  rmSync(compiled, { recursive: true, force: true });
  await build({
    entryPoints: readdirSync("tests", { recursive: true, encoding: "utf8" })
      .filter((name) => startable.test(name))
      .map((name) => join("tests", name)),
    outdir: compiled,
    entryNames: "[name]",
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    plugins: [programAsBuilt],
    logLevel: "warning",
  });
}
