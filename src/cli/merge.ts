import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isWholeModel } from "../core/entities.js";
import { mergeToGguf } from "../training/export.js";
import type { TrainerWorker } from "../training/worker.js";
import type { MergeWith } from "./models.js";

/** Several servers of one model may each want the same adapter at once. */
let merges = 0;

/**
 * Base and adapter as one file in Q8_0, which keeps what training changed where the base's own
 * quantisation would round it away; a whole model as it is. The name in `folder` is one that `gc` takes away after a crash.
 */
export function mergeIn(folder: string, worker: TrainerWorker): MergeWith {
  return (base) => async (adapter, signal, use) => {
    if (isWholeModel(adapter)) return use({ path: adapter.ggufPath, sha256: adapter.sha256 });
    const own = join(folder, `${adapter.sha256.slice(0, 12)}.${++merges}.${process.pid}.tmp`);
    try {
      await mkdir(own, { recursive: true });
      const merge = { base, adapter, type: "q8_0" as const, output: join(own, "model.gguf") };
      await use(await mergeToGguf(worker, merge, { signal }));
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  };
}
