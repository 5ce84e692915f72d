import { join, resolve } from "node:path";
import { z } from "zod";
import type { Adapter } from "../core/entities.js";
import { TrainerFailure } from "./failure.js";
import type { TrainerWorker, WorkerEvent } from "./worker.js";

/** `base`: each matrix quantised as the base's is, where the trainer can write that type. */
export const ggufTypes = ["f16", "q8_0", "base"] as const;
export type GgufType = (typeof ggufTypes)[number];

interface Merge {
  /** The weights that the adapter was trained on. */
  readonly base: { readonly path: string; readonly sha256: string };
  /** Null gives the base alone in another form. */
  readonly adapter: Pick<Adapter, "ggufPath" | "peftPath" | "sha256"> | null;
  readonly output: string;
}

interface MergeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Tensors written so far, of all. */
  onProgress?(step: number, steps: number): void;
}

export interface MergedFile {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

const fileShape = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.number() });
const manifestShape = z.object({ files: z.record(z.string(), fileShape) });

/**
 * Writes base and adapter as one GGUF file at `output`, its manifest beside it as `<output>.json`. The same
 * merge is written once: asked again, it gives the file that is there, after its hash was checked.
 *
 * @throws TrainerFailure `disk_full`, `bad_weights`, `bad_job` (a type that cannot be written)
 * @example
 * const file = await mergeToGguf(worker, { base, adapter, type: "q8_0", output: "merged.gguf" });
 */
export async function mergeToGguf(
  worker: Pick<TrainerWorker, "request">,
  merge: Merge & { readonly type: GgufType },
  options: MergeOptions = {},
): Promise<MergedFile> {
  const { adapter } = merge;
  const fields = {
    type: merge.type,
    adapter: adapter === null ? null : resolve(adapter.ggufPath),
    adapter_sha256: adapter === null ? null : adapter.sha256,
  };
  const [file] = await mergeTo(worker, merge, fields, options);
  return { ...file!, path: resolve(merge.output) };
}

/**
 * Writes base and adapter as a folder that transformers and vLLM load, in float32, as the trainer computes.
 * The adapter is read from its PEFT folder.
 *
 * @throws TrainerFailure `disk_full`, `bad_weights`, `out_of_memory`
 */
export async function mergeToSafetensors(
  worker: Pick<TrainerWorker, "request">,
  merge: Merge,
  options: MergeOptions = {},
): Promise<MergedFile[]> {
  const adapter = merge.adapter === null ? null : resolve(merge.adapter.peftPath);
  const fields = { type: "safetensors", adapter, adapter_sha256: null };
  return mergeTo(worker, merge, fields, options);
}

async function mergeTo(
  worker: Pick<TrainerWorker, "request">,
  { base, output }: Merge,
  fields: object,
  { signal, onProgress }: MergeOptions,
): Promise<MergedFile[]> {
  const target = resolve(output);
  const model = { model: resolve(base.path), model_sha256: base.sha256 };
  const done = await worker.request(
    "export",
    { ...model, ...fields, output: target },
    {
      signal,
      onProgress: ({ step, steps }: WorkerEvent) => onProgress?.(Number(step), Number(steps)),
    },
  );
  const parsed = manifestShape.safeParse(done);
  if (!parsed.success || Object.keys(parsed.data.files).length === 0) {
    throw new TrainerFailure(
      "protocol",
      `The trainer's worker ended the export to ${target} without saying what it wrote.`,
      "The trainer and redistill are of different versions: install redistill again.",
    );
  }
  return Object.entries(parsed.data.files).map(([name, facts]) => ({
    path: join(target, name),
    ...facts,
  }));
}
