// In the place of src/cli/machine.ts: a scripted model and trainer whose work takes simulated time.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../../../src/cli/machine.js";
import type { Workspace } from "../../../src/cli/paths.js";
import type { CallRequest } from "../../../src/core/entities.js";
import { EngineFault } from "../../../src/core/errors.js";
import { sha256 } from "../../../src/core/hash.js";
import { eachRole } from "../../../src/core/model.js";
import type { SampleOptions, Train } from "../../../src/core/ports.js";
import { ScriptedChatModel } from "../../../src/models/scripted.js";
import { TrainerFailure } from "../../../src/training/failure.js";
import { createTrainer } from "../../../src/training/train.js";
import { createVerify } from "../../../src/verifiers/index.js";
import { fileWorker } from "../../support/file-worker.js";
import { learner } from "../../support/learner.js";
import { systemClock as clock } from "./clock.js";
import { firedFile, type Mishap, type Plan, planVariable } from "./plan.js";

const plan: Plan = JSON.parse(process.env[planVariable] ?? "{}");
const minute = 60_000;
/** How long an answer and a tenth of a training take. */
const answerTakes = 50_000;
const trainingPartTakes = 4 * minute;
const trainingParts = 10;

let answers = 0;
let isTrainerToDie = plan.trainerDies ?? false;

function happened(root: string, kind: string): void {
  appendFileSync(join(root, firedFile), `${kind}\n`);
}

class WeekModel extends ScriptedChatModel {
  constructor(private readonly root: string) {
    super("learner", learner);
  }

  override sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void> {
    return clock.during(async () => {
      for (const [index, request] of requests.entries()) {
        if (options.drain?.aborted) return;
        answers++;
        for (const { answer, what } of plan.atAnswer ?? []) if (answer === answers) this.meet(what);
        clock.pass(answerTakes);
        const onResult: SampleOptions["onResult"] = (_, answer) => options.onResult(index, answer);
        await super.sample([request], { ...options, onResult });
      }
    });
  }

  private meet(what: Mishap): void {
    happened(this.root, what.do);
    if (what.do === "kill") process.kill(process.pid, "SIGKILL");
    if (what.do === "clock-set-wrong") clock.setWrong(what.milliseconds);
    if (what.do === "machine-suspended") clock.suspend(what.milliseconds);
    if (what.do === "engine-crashes") throw fault("crashed");
    if (what.do === "engine-falls-silent") throw fault("silent");
  }
}

const fault = (how: "crashed" | "silent") =>
  new EngineFault(how, true, `the scripted engine ${how}`, "It is started again.");

/** Trains in parts that are kept, as the real one keeps its checkpoints. */
function slowTrain(workspace: Workspace): Train {
  const train = createTrainer({
    worker: fileWorker(workspace.root, false),
    model: { path: "model.gguf", sha256: "0".repeat(64) },
    directory: workspace.adapters,
  });
  return (job, options) =>
    clock.during(async () => {
      mkdirSync(workspace.adapters, { recursive: true });
      const checkpoint = join(workspace.adapters, `${sha256(job).slice(0, 16)}.checkpoint`);
      let part = existsSync(checkpoint) ? Number(readFileSync(checkpoint, "utf8")) : 0;
      while (part < trainingParts) {
        options.signal.throwIfAborted();
        clock.pass(trainingPartTakes);
        writeFileSync(checkpoint, `${++part}`);
        const secondsLeft = ((trainingParts - part) * trainingPartTakes) / 1000;
        options.onProgress({
          ...{ step: part, steps: trainingParts, loss: 0.5, tokensPerSecond: 1, secondsLeft },
        });
        if (part === plan.killedInTraining) {
          happened(workspace.root, "killed while it trained");
          process.kill(process.pid, "SIGKILL");
        }
        if (isTrainerToDie && part === trainingParts / 2) {
          isTrainerToDie = false;
          happened(workspace.root, "trainer died");
          throw new TrainerFailure("crashed", "the scripted trainer died", "It is started again.");
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      return train(job, options);
    });
}

export async function openMachine(workspace: Workspace): Promise<Machine> {
  const absent = () => Promise.reject(new Error("no generator here"));
  const model = new WeekModel(workspace.root);
  return {
    models: eachRole(() => model),
    modelPath: "default",
    modelSha256: "0".repeat(64),
    train: slowTrain(workspace),
    verify: createVerify({}),
    generator: { tasks: absent, score: absent },
    workerPid: null,
    close: async () => {},
  };
}
