import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../src/core/hash.js";
import type { Train, TrainingJob, TrainingResult } from "../../src/core/ports.js";

/** The same where all weights are trained: one file, no adapter. */
function wholeModel(folder: string, job: TrainingJob): TrainingResult {
  const content = `whole model of ${sha256(job)}`;
  const home = join(folder, "memory", "adapters", sha256(job).slice(0, 16));
  const path = join(home, "adapter", "model.gguf");
  mkdirSync(join(home, "adapter"), { recursive: true });
  writeFileSync(join(home, "job.json"), JSON.stringify({ model_sha256: "0".repeat(64) }));
  writeFileSync(path, content);
  const figures = { final_loss: 0.5, tokens: 100, seconds: 1 };
  const record = { weights: "full", gguf_sha256: hashOf(content), ...figures };
  writeFileSync(join(home, "adapter", "manifest.json"), JSON.stringify(record));
  const paths = { ggufPath: path, peftPath: path };
  return { sha256: hashOf(content), ...paths, finalLoss: 0.5, tokens: 100, seconds: 1 };
}

const hashOf = (content: string) => createHash("sha256").update(content).digest("hex");

/** A trainer that leaves the files of the real one, their content decided by the job. */
export function fileTrain(folder: string): Train {
  return async (job) => {
    if (job.weights === "full") return wholeModel(folder, job);
    const content = `adapter of ${sha256(job)}`;
    const home = join(folder, "memory", "adapters", sha256(job).slice(0, 16));
    const output = join(home, "adapter");
    const peftPath = join(output, "peft");
    const ggufPath = join(output, "adapter.gguf");
    mkdirSync(peftPath, { recursive: true });
    writeFileSync(join(home, "job.json"), JSON.stringify({ model_sha256: "0".repeat(64) }));
    writeFileSync(join(home, "examples.jsonl"), "{}\n");
    writeFileSync(ggufPath, content);
    writeFileSync(join(peftPath, "adapter_model.safetensors"), `peft ${content}`);
    writeFileSync(join(peftPath, "adapter_config.json"), "{}");
    const record = {
      gguf_sha256: hashOf(content),
      peft_sha256: hashOf(`peft ${content}`),
      ...{ final_loss: 0.5, tokens: 100, seconds: 1 },
    };
    writeFileSync(join(output, "manifest.json"), JSON.stringify(record));
    return { sha256: hashOf(content), ggufPath, peftPath, finalLoss: 0.5, tokens: 100, seconds: 1 };
  };
}
