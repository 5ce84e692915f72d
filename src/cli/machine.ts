import { join } from "node:path";
import { RedistillError } from "../core/errors.js";
import { modelName, weightsOf } from "../core/model.js";
import type { RoleModels, Train, Verify } from "../core/ports.js";
import type { Recipe } from "../core/recipe.js";
import { findPython, findUv } from "../setup/python.js";
import { ensureTrainerEnvironment } from "../setup/trainer-environment.js";
import type { TaskGenerator } from "../sources/index.js";
import { createReasoningGym } from "../training/reasoning-gym.js";
import { createTrainer } from "../training/train.js";
import { createTrainerWorker, type TrainerWorker } from "../training/worker.js";
import { createVerify } from "../verifiers/index.js";
import { mergeIn } from "./merge.js";
import { openModels, requireTeachable } from "./models.js";
import type { Output } from "./output.js";
import { trainerDirectory, type Workspace } from "./paths.js";

/** The trainer's environment (created on first use) and a worker in it, not yet started. */
export async function openTrainer(
  workspace: Workspace,
  output: Output,
  signal: AbortSignal,
): Promise<TrainerWorker> {
  const needsVenv = (await findUv({ signal })) === null;
  const python = await findPython({ signal, needsVenv });
  const interpreter = await ensureTrainerEnvironment({
    trainerDirectory,
    python,
    signal,
    onProgress: ({ message }) => output.live(message),
  });
  return createTrainerWorker({
    python: interpreter,
    trainerDirectory,
    logFile: join(workspace.logs, "trainer.log"),
  });
}

/** Everything outside this process that a run needs, ready to use. */
export interface Machine {
  readonly models: RoleModels;
  /** Of the student's weights, or its name where they are not on this machine. */
  readonly modelPath: string;
  /** Empty where they are not. */
  readonly modelSha256: string;
  readonly train: Train;
  readonly verify: Verify;
  readonly generator: TaskGenerator;
  /** Of the trainer's process, while one runs. */
  readonly workerPid: number | null;
  close(): Promise<void>;
}

/**
 * Brings up trainer and models for a run; closes what it opened when a later part fails.
 *
 * @throws RedistillError `usage` where the student cannot learn as the recipe wants it.
 */
export async function openMachine(
  workspace: Workspace,
  recipe: Recipe,
  output: Output,
  signal: AbortSignal,
): Promise<Machine> {
  const worker = await openTrainer(workspace, output, signal);
  try {
    const opened = await openModels(recipe, output, signal, mergeIn(workspace.adapters, worker));
    const generator = createReasoningGym(worker);
    const verify = createVerify({ reasoningGym: generator });
    const { models, weights } = opened;
    try {
      requireTeachable(recipe, { model: models.student, weights });
    } catch (error) {
      await opened.close();
      throw error;
    }
    return {
      models,
      modelPath: weightsOf(recipe.model) ?? modelName(recipe.model),
      modelSha256: weights?.sha256 ?? "",
      train:
        weights === null
          ? withoutWeights
          : createTrainer({ worker, model: weights, directory: workspace.adapters, verify }),
      verify,
      generator,
      get workerPid() {
        return worker.pid;
      },
      async close() {
        await worker.dispose();
        await opened.close();
      },
    };
  } catch (error) {
    await worker.dispose();
    throw error;
  }
}

/** A recipe that would come here is refused when the machine is opened. */
const withoutWeights: Train = async () => {
  throw new RedistillError("internal", "there are no weights to train", "Please report this.");
};
