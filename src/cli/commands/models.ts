import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "../../setup/cache-directory.js";
import { digestOf } from "../../setup/digest.js";
import { formatBytes } from "../../setup/files.js";
import { defaultWeights } from "../../setup/weights.js";
import { findWeights } from "../models.js";
import type { Output } from "../output.js";
import { tableLines } from "../table.js";

interface Shared {
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** `redistill models pull`: the default weights, fetched and checked if they are not there yet. */
export async function modelsPullCommand({ output, signal }: Shared): Promise<void> {
  const { path, sha256 } = await findWeights("default", output, signal);
  output.close();
  const { name, license } = defaultWeights;
  output.result({ kind: "model", name, path, sha256, license });
  output.line(`${name} (${license})`);
  output.line(`  ${path}`);
  output.line(`  sha256 ${sha256}`);
}

/** `redistill models list`: the weights in the cache, each read and hashed. */
export async function modelsListCommand({ output, signal }: Shared): Promise<void> {
  const cache = cacheDirectory();
  const folder = join(cache, "models");
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".gguf"));
  const models = [];
  for (const name of names.sort()) {
    const path = join(folder, name);
    const { sha256, bytes } = await digestOf(path, cache, signal);
    models.push({ name, path, bytes, sha256, isDefault: sha256 === defaultWeights.sha256 });
  }
  output.result({ kind: "models", models });
  if (models.length === 0) {
    output.line(`No weights in ${folder} yet. \`redistill models pull\` fetches the default ones.`);
    return;
  }
  const rows = models.map(({ name, bytes, sha256, isDefault }) => [
    name,
    formatBytes(bytes),
    `sha256 ${sha256.slice(0, 16)}…`,
    isDefault ? "default" : "",
  ]);
  output.line(folder);
  for (const line of tableLines(rows)) output.line(`  ${line}`);
}
