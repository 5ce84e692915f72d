import { join } from "node:path";
import type { ChatModel, Train, Verify } from "../core/ports.js";
import type { Recipe } from "../core/recipe.js";
import { EngineProcess } from "../models/embedded/engine-process.js";
import { formatBytes } from "../setup/files.js";
import { inspectModel } from "../setup/gguf.js";
import { findPython, findUv } from "../setup/python.js";
import { ensureTrainerEnvironment } from "../setup/trainer-environment.js";
import { ensureWeights } from "../setup/weights.js";
import type { TaskGenerator } from "../sources/index.js";
import { requireMlx } from "../training/mlx.js";
import { createReasoningGym } from "../training/reasoning-gym.js";
import { createTrainer } from "../training/train.js";
import { createTrainerWorker, type TrainerWorker } from "../training/worker.js";
import { createVerify } from "../verifiers/index.js";
import type { Output } from "./output.js";
import { trainerDirectory, type Workspace } from "./paths.js";

export interface ModelSettings {
  /** `default` or a path. */
  readonly path: string;
  readonly contextTokens: number;
  readonly sequences: number;
  readonly threads: number;
}

/** The GGUF file behind `default` or a path, fetched if needed and checked. */
export async function findWeights(
  path: string,
  output: Output,
  signal: AbortSignal,
): Promise<{ path: string; sha256: string }> {
  if (path !== "default") return inspectModel(path, { signal });
  return ensureWeights({
    signal,
    onNotice: (text) => output.note(text),
    onProgress: ({ source, bytes, total, bytesPerSecond }) =>
      output.live(
        `weights from ${source}: ${formatBytes(bytes)}${total ? ` of ${formatBytes(total)}` : ""}, ${formatBytes(bytesPerSecond)}/s`,
      ),
  });
}

/** Starts the embedded engine with the weights at a path, or the default ones. */
export async function loadModel(
  settings: ModelSettings,
  output: Output,
  signal: AbortSignal,
): Promise<{ model: ChatModel; weights: { path: string; sha256: string } }> {
  const weights = await findWeights(settings.path, output, signal);
  const { contextTokens, sequences, threads } = settings;
  const options = { contextTokens, sequences, threads };
  const model = await EngineProcess.start(
    { ...options, modelPath: weights.path, modelSha256: weights.sha256 },
    signal,
  );
  return { model, weights };
}

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
  readonly model: ChatModel;
  readonly modelPath: string;
  readonly modelSha256: string;
  readonly train: Train;
  readonly verify: Verify;
  readonly generator: TaskGenerator;
  /** Of the trainer's process, while one runs. */
  readonly workerPid: number | null;
  close(): Promise<void>;
}

/** Brings up trainer and engine for a run; closes what it opened when a later part fails. */
export async function openMachine(
  workspace: Workspace,
  { model: settings, retrain }: Pick<Recipe, "model" | "retrain">,
  output: Output,
  signal: AbortSignal,
): Promise<Machine> {
  const worker = await openTrainer(workspace, output, signal);
  try {
    if (retrain.trainer === "mlx") await requireMlx(worker);
    const { model, weights } = await loadModel(settings, output, signal);
    const generator = createReasoningGym(worker);
    const verify = createVerify({ reasoningGym: generator });
    return {
      model,
      modelPath: settings.path,
      modelSha256: weights.sha256,
      train: createTrainer({ worker, model: weights, directory: workspace.adapters, verify }),
      verify,
      generator,
      get workerPid() {
        return worker.pid;
      },
      async close() {
        await worker.dispose();
        await model.dispose();
      },
    };
  } catch (error) {
    await worker.dispose();
    throw error;
  }
}
