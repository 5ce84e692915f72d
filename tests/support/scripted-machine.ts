// In the place of src/cli/machine.ts, for the whole program without weights and trainer; see program.ts.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Machine } from "../../src/cli/machine.js";
import type { Workspace } from "../../src/cli/paths.js";
import type { CallRequest } from "../../src/core/entities.js";
import { sha256 } from "../../src/core/hash.js";
import { eachRole } from "../../src/core/model.js";
import type { SampleOptions, Train } from "../../src/core/ports.js";
import { ScriptedChatModel } from "../../src/models/scripted.js";
import { createVerify } from "../../src/verifiers/index.js";
import { evolver } from "./evolver.js";
import { learner } from "./learner.js";

/** How long an answer takes, in milliseconds. */
const delay = Number(process.env.SCRIPTED_DELAY ?? 0);

/** What it answers; see program.ts. */
const scripts = { learner, helps: evolver(true), helpless: evolver(false) };
const script = scripts[(process.env.SCRIPTED_MODEL ?? "learner") as keyof typeof scripts];

class SlowModel extends ScriptedChatModel {
  override async sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void> {
    for (const [index, request] of requests.entries()) {
      if (delay > 0) await sleep(delay, undefined, { signal: options.signal });
      const onResult: SampleOptions["onResult"] = (_, answer) => options.onResult(index, answer);
      await super.sample([request], { ...options, onResult });
    }
  }
}

/** Writes a file whose content is the job. */
export const scriptedTraining =
  (workspace: Workspace): Train =>
  async (job) => {
    const content = `adapter of ${sha256(job)}`;
    const peftPath = join(workspace.adapters, sha256(job).slice(0, 16));
    mkdirSync(peftPath, { recursive: true });
    const ggufPath = join(peftPath, "adapter.gguf");
    writeFileSync(ggufPath, content);
    const figures = { finalLoss: 0.5, tokens: 100, seconds: 1 };
    return {
      sha256: createHash("sha256").update(content).digest("hex"),
      ggufPath,
      peftPath,
      ...figures,
    };
  };

export async function openMachine(workspace: Workspace): Promise<Machine> {
  const absent = () => Promise.reject(new Error("no generator here"));
  const model = new SlowModel("learner", script);
  return {
    models: eachRole(() => model),
    modelPath: "default",
    modelSha256: "0".repeat(64),
    train: scriptedTraining(workspace),
    verify: createVerify({}),
    generator: { tasks: absent, score: absent },
    workerPid: null,
    close: async () => {},
  };
}

/** Only commands ask for it that no test calls. */
export const openTrainer = () => Promise.reject(new Error("no trainer here"));
