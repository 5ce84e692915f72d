import { join } from "node:path";
import { RedistillError } from "../core/errors.js";
import { modelName, weightsOf } from "../core/model.js";
import type { Embedder, RoleModels, Train, Verify } from "../core/ports.js";
import type { Recipe } from "../core/recipe.js";
import { findPython, findUv } from "../setup/python.js";
import { ensureTrainerEnvironment } from "../setup/trainer-environment.js";
import type { TaskGenerator } from "../sources/index.js";
import { requireMlx } from "../training/mlx.js";
import { createReasoningGym } from "../training/reasoning-gym.js";
import { createTrainer } from "../training/train.js";
import { createTrainerWorker, type TrainerWorker } from "../training/worker.js";
import { createVerify } from "../verifiers/index.js";
import { openEmbedder } from "./embedder.js";
import { mergeIn } from "./merge.js";
import { openModels, requireTeachable } from "./models.js";
import type { Output } from "./output.js";
import { trainerDirectory, type Workspace } from "./paths.js";
import { openTrainingPlace } from "./training-place.js";

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
  /** Where the recipe finds lessons by vectors. */
  readonly embedder?: Embedder;
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
  const worker = needsTrainer(recipe) ? await openTrainer(workspace, output, signal) : noTrainer;
  const opened: { close(): Promise<void> }[] = [{ close: () => worker.dispose() }];
  const close = async () => {
    for (const part of opened) await part.close();
  };
  try {
    const place = await openTrainingPlace(recipe.trainer, worker, output, signal);
    opened.push(place);
    const { retrain } = recipe;
    if (retrain.method !== "memory" && retrain.trainer === "mlx") await requireMlx(worker);
    const answering = await openModels(recipe, output, signal, mergeIn(workspace.adapters, worker));
    opened.push(answering);
    const { models, weights } = answering;
    requireTeachable(recipe, { model: models.student, weights });
    const embedding = await openEmbedder(recipe, models.student, output, signal);
    opened.push(embedding);
    const generator = createReasoningGym(worker);
    const verify = createVerify({ reasoningGym: generator });
    const { adapters: directory } = workspace;
    return {
      models,
      ...(embedding.embedder ? { embedder: embedding.embedder } : {}),
      modelPath: weightsOf(recipe.model) ?? modelName(recipe.model),
      modelSha256: weights?.sha256 ?? "",
      train:
        weights === null
          ? withoutWeights
          : createTrainer({ worker: place.worker, model: weights, directory, verify }),
      verify,
      generator,
      get workerPid() {
        return worker.pid;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A memory is written here; reasoning-gym's tasks are made and checked by the trainer's process. */
function needsTrainer({ retrain, tasks }: Recipe): boolean {
  return retrain.method !== "memory" || tasks.source === "reasoning_gym";
}

/** In the place of a trainer that nothing asks: neither Python nor its packages are looked for. */
const noTrainer: TrainerWorker = {
  pid: null,
  request: async () => {
    throw new RedistillError("internal", "this run has no trainer", "Please report this.");
  },
  dispose: async () => {},
};

/** A recipe that would come here is refused when the machine is opened. */
const withoutWeights: Train = async () => {
  throw new RedistillError("internal", "there are no weights to train", "Please report this.");
};
