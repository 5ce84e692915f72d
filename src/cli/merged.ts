import { existsSync } from "node:fs";
import { totalmem } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Adapter } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import { requireRoom } from "../operations/files.js";
import { formatBytes } from "../setup/files.js";
import { inspectModel, type ModelFile } from "../setup/gguf.js";
import type { RunRow } from "../store/runs.js";
import {
  type GgufType,
  type MergedFile,
  type MergedType,
  mergedBytes,
  mergeToGguf,
  mergeToSafetensors,
} from "../training/export.js";
import { requireTrainable } from "../training/train.js";
import type { TrainerWorker } from "../training/worker.js";
import { openTrainer } from "./machine.js";
import { weightsBehind } from "./models.js";
import type { Output } from "./output.js";
import type { Workspace } from "./paths.js";

/** Merged weights in an export: a file, or a folder of files. */
export interface Merged {
  readonly type: MergedType;
  /** Of the file or folder, in the export's folder; the names of its files are from there, too. */
  readonly name: string;
  readonly files: readonly {
    readonly name: string;
    readonly sha256: string;
    readonly bytes: number;
  }[];
}

interface MergeOptions {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Replaceable in tests. */
  readonly open?: typeof openTrainer;
}

/** Memory that Python, torch and one shard of merged weights take beside the base in float32. */
const besideTheBase = 3e9;

/**
 * The base weights of a run, after it is sure that merging can succeed: nothing is made before.
 *
 * @param target Where the export will lie.
 * @throws RedistillError `state` for other weights than the run's, `model` for an architecture that is not
 *   known, `setup` for too little memory, `storage` for too little disk
 */
export async function mergeable(
  run: Pick<RunRow, "id" | "modelSha256" | "recipe">,
  type: MergedType,
  target: string,
  {
    output,
    signal,
    memory = totalmem(),
  }: Pick<MergeOptions, "output" | "signal"> & { memory?: number },
): Promise<ModelFile> {
  const weights = await weightsBehind(run.recipe.model, output, signal);
  if (weights === null) {
    throw new RedistillError(
      "state",
      `run ${run.id} has a model whose weights are not on this machine: there is nothing to merge with`,
      "Set model.weights in the recipe to the GGUF file that its server runs, or export without --merged.",
    );
  }
  const { path } = weights;
  const base = await inspectModel(path, { signal });
  if (base.sha256 !== run.modelSha256) {
    throw new RedistillError(
      "state",
      `${path} is not what run ${run.id} was trained on: its sha256 is ${base.sha256.slice(0, 12)}…, expected ${run.modelSha256?.slice(0, 12) ?? "one that was not recorded"}…`,
      "Put the former weights back: an adapter fits no others.",
    );
  }
  requireTrainable(path, base.architecture);
  const needed = base.parameters * 4 + besideTheBase;
  if (type === "safetensors" && needed > memory) {
    throw new RedistillError(
      "setup",
      `merging to safetensors holds the model in float32: ${formatBytes(needed)} of memory, and this machine has ${formatBytes(memory)}`,
      "Export --merged f16 or q8_0, which takes one matrix at a time, or run it on a larger machine.",
    );
  }
  let disk = target;
  while (!existsSync(disk)) disk = dirname(disk);
  await requireRoom(disk, mergedBytes(type, base));
  return base;
}

/** Writes base and adapter as one model into the folder of an export. */
export async function writeMerged(
  folder: string,
  what: { base: ModelFile; adapter: Adapter; type: MergedType },
  { workspace, output, signal, open = openTrainer }: MergeOptions,
): Promise<Merged> {
  const { base, adapter, type } = what;
  const worker: TrainerWorker = await open(workspace, output, signal);
  const options = {
    signal,
    onProgress: (step: number, steps: number) =>
      output.live(`merging: ${step} of ${steps} tensors`),
  };
  const name = type === "safetensors" ? "merged" : `model-${quantizationOf(type, base)}.gguf`;
  const merge = { base, adapter, output: join(folder, name) };
  try {
    const files =
      type === "safetensors"
        ? await mergeToSafetensors(worker, merge, options)
        : [await mergeToGguf(worker, { ...merge, type }, options)];
    const named = ({ path, sha256, bytes }: MergedFile) => ({
      name: relative(folder, path),
      sha256,
      bytes,
    });
    return { type, name, files: files.map(named) };
  } finally {
    await worker.dispose();
  }
}

function quantizationOf(type: GgufType, base: ModelFile): string {
  return type === "base" ? base.quantization.toLowerCase() : type;
}
