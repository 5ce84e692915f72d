import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../src/core/hash.js";
import { TrainerFailure } from "../../src/training/failure.js";
import type { TrainerWorker } from "../../src/training/worker.js";

/**
 * Stands in for the Python worker: writes an adapter's files as it does, beside and renamed, the
 * manifest last. Each training is a line in `trainings.txt`.
 */
export function fileWorker(folder: string, diskFull: boolean): Pick<TrainerWorker, "request"> {
  return {
    request: async (_operation, fields) => {
      const { job: path } = fields as { job: string };
      const job = JSON.parse(readFileSync(path, "utf8"));
      appendFileSync(join(folder, "trainings.txt"), ".\n");
      const content = `adapter of ${job.examples_sha256} ${job.seed}`;
      mkdirSync(join(job.output, "peft"), { recursive: true });
      const half = join(job.output, ".adapter.gguf.tmp");
      writeFileSync(half, content.slice(0, 5));
      if (diskFull) {
        throw new TrainerFailure("disk_full", "No space left on device", "Make room.");
      }
      rmSync(half);
      writeWhole(join(job.output, "adapter.gguf"), content);
      writeWhole(join(job.output, "peft", "adapter_model.safetensors"), `peft ${content}`);
      const manifest = {
        ...{ gguf_sha256: sha256(content), peft_sha256: sha256(`peft ${content}`) },
        ...{ final_loss: 0.5, tokens: 100, seconds: 1 },
      };
      writeWhole(join(job.output, "manifest.json"), JSON.stringify(manifest));
      return manifest;
    },
  };
}

function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}
