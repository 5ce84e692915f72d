import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../src/core/hash.js";
import { cacheDirectory } from "../../src/setup/cache-directory.js";
import { runTool } from "../../src/setup/run-tool.js";

/**
 * Installs packages into a folder of the cache, once, so that the product's own lock stays small.
 *
 * @returns the folder, or why it could not be made.
 */
export async function installPeers(
  packages: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<{ folder: string } | { why: string }> {
  const content = JSON.stringify({ private: true, type: "module", dependencies: packages });
  const home = join(cacheDirectory(), "bench");
  const abi = process.versions.modules;
  const folder = join(home, `peers-${sha256([content, abi]).slice(0, 12)}`);
  if (existsSync(folder)) return { folder };
  mkdirSync(home, { recursive: true });
  const beside = mkdtempSync(join(home, "installing-"));
  writeFileSync(join(beside, "package.json"), content);
  console.error(`installing ${Object.keys(packages).join(", ")} (once; it may compile SQLite)`);
  const args = ["install", "--no-audit", "--no-fund", "--no-package-lock"];
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const result = await runTool(npm, args, { cwd: beside, signal });
  if (result.exitCode === 0) {
    renameSync(beside, folder);
    return { folder };
  }
  rmSync(beside, { recursive: true, force: true });
  signal.throwIfAborted();
  // An index address in the output may hold a password.
  const said = result.tail
    .slice(-3)
    .join(" ")
    .replace(/https?:\/\/\S+/g, "<address>");
  return { why: `npm install failed (${result.missing ? "there is no npm" : said.trim()})` };
}
