import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { RedistillError } from "../../core/errors.js";
import { pull } from "../../models/ollama/pull.js";
import { oneLine } from "../../report/index.js";
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

export interface PullFlags {
  readonly ollama?: boolean;
  readonly url: string;
}

/** `redistill models pull`: the default weights, or with --ollama a model of Ollama's registry. */
export async function modelsPullCommand(
  name: string | undefined,
  { ollama, url }: PullFlags,
  shared: Shared,
): Promise<void> {
  if (!ollama && name === undefined) return pullDefault(shared);
  if (ollama && name !== undefined) return pullFromOllama(name, url, shared);
  throw new RedistillError(
    "usage",
    ollama ? "--ollama without the name of a model" : `models pull ${name}: from where?`,
    "`redistill models pull <name> --ollama` fetches a model with Ollama; without a name the default weights are fetched.",
  );
}

async function pullFromOllama(name: string, url: string, { output, signal }: Shared) {
  const digest = await pull(url, name, signal, ({ status, bytes, total }) =>
    output.live(
      bytes === null || total === null
        ? oneLine(status, 100)
        : `${oneLine(status, 100)}: ${formatBytes(bytes)} of ${formatBytes(total)}`,
    ),
  );
  output.close();
  output.result({ kind: "model", provider: "ollama", name, digest });
  output.line(`${name} in Ollama at ${url}`);
  output.line(`  digest ${digest}`);
}

/** The default weights, fetched and checked if they are not there yet. */
async function pullDefault({ output, signal }: Shared): Promise<void> {
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
