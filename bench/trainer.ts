// The product's trainer against TRL's plain loop on the same job, each in a process of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { trainerDirectory } from "../src/cli/paths.js";
import type { TrainingJob, TrainingProgress } from "../src/core/ports.js";
import type { WeightSettings } from "../src/core/retrain.js";
import { trainingSettings } from "../src/core/training-settings.js";
import { EmbeddedChatModel } from "../src/models/embedded/chat-model.js";
import { findPython, findUv } from "../src/setup/python.js";
import { runTool } from "../src/setup/run-tool.js";
import { ensureTrainerEnvironment } from "../src/setup/trainer-environment.js";
import { studentMessages } from "../src/stages/support/requests.js";
import { mean } from "../src/stats/index.js";
import { createTrainer, jobHash } from "../src/training/train.js";
import { createTrainerWorker } from "../src/training/worker.js";
import {
  benchmark,
  interleaved,
  printTable,
  ratio,
  type Surroundings,
  spread,
} from "./support/benchmark.js";
import { engineSettings, promptsOf, smallQuickstart, tasksOf } from "./support/quickstart.js";

interface Figures {
  /** Real ones: padding is not counted. */
  readonly tokens: number;
  /** Of the training loop, as the trainer itself reports it. */
  readonly seconds: number;
  /** From the start of the process: imports, weights, training, and what is written at the end. */
  readonly wall: number;
  /** Of each optimiser step, as the trainer itself reports it. */
  readonly losses: readonly number[];
}

const plainFigures = z.object({
  tokens: z.number(),
  seconds: z.number(),
  losses: z.array(z.number()),
});

/** Orders with their references as answers, rendered as a run renders them. */
async function makeJob(size: number, weights: Surroundings["weights"]): Promise<TrainingJob> {
  const recipe = smallQuickstart({ train: size, gate: 1, perRound: size });
  const { prompts } = promptsOf(recipe);
  const tasks = (await tasksOf(recipe)).filter(({ split }) => split === "train");
  const model = await EmbeddedChatModel.load({
    ...engineSettings(recipe),
    modelPath: weights.path,
    modelSha256: weights.sha256,
  });
  try {
    const examples = tasks.map((task) => ({
      prompt: model.render(studentMessages(prompts.student, task)),
      completion: task.reference as string,
    }));
    return {
      ...trainingSettings(recipe.retrain as WeightSettings),
      examples,
      parent: null,
      seed: recipe.seed,
    };
  } finally {
    await model.dispose();
  }
}

/** `redistill_trainer` as a run uses it; it writes the job file, too. */
async function trainOurs(
  job: TrainingJob,
  directory: string,
  python: string,
  { weights, signal }: Surroundings,
): Promise<Figures> {
  const logFile = join(directory, "trainer.log");
  const worker = createTrainerWorker({ python, trainerDirectory, logFile });
  const train = createTrainer({ worker, model: weights, directory });
  const startedAt = performance.now();
  try {
    const losses: number[] = [];
    const onProgress = ({ loss }: TrainingProgress) => {
      if (loss !== null) losses.push(loss);
    };
    const { tokens, seconds } = await train(job, { signal, onProgress });
    return { tokens, seconds, losses, wall: (performance.now() - startedAt) / 1000 };
  } finally {
    await worker.dispose();
  }
}

/** TRL's loop as it comes, on a job file that is there. */
async function trainPlainly(
  jobPath: string,
  python: string,
  { signal }: Surroundings,
): Promise<Figures> {
  const startedAt = performance.now();
  const script = join(trainerDirectory, "bench", "plain_trl.py");
  // The surroundings that the worker gets, see src/training/child.ts.
  const { PYTHONHOME: _home, PYTHONSTARTUP: _startup, ...env } = process.env;
  const { exitCode, stdout, tail } = await runTool(python, [script, jobPath], {
    cwd: trainerDirectory,
    env: {
      ...env,
      PYTHONPATH: trainerDirectory,
      PYTHONUTF8: "1",
      TOKENIZERS_PARALLELISM: "false",
      HF_HUB_OFFLINE: "1",
    },
    signal,
  });
  const wall = (performance.now() - startedAt) / 1000;
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (exitCode !== 0) throw new Error(`plain_trl.py failed:\n${tail.join("\n")}`);
  return { ...plainFigures.parse(JSON.parse(line)), wall };
}

/** Means over each epoch's steps, of which all epochs have equally many. */
function byEpoch(losses: readonly number[], epochs: number): number[] {
  const steps = losses.length / epochs;
  return Array.from({ length: epochs }, (_, epoch) => {
    return mean(losses.slice(Math.round(epoch * steps), Math.round((epoch + 1) * steps)))!;
  });
}

async function prepareTrainer(signal: AbortSignal): Promise<string> {
  const python = await findPython({ signal, needsVenv: (await findUv({ signal })) === null });
  return ensureTrainerEnvironment({ trainerDirectory, python, signal });
}

await benchmark(
  { name: "trainer", defaults: { repetitions: 3, size: 48 }, unit: "examples: orders, solved" },
  async (surroundings) => {
    const { weights, size, signal } = surroundings;
    const python = await prepareTrainer(signal);
    const job = await makeJob(size, weights);
    const folder = mkdtempSync(join(tmpdir(), "redistill-bench-"));
    const folderOf = (repetition: number) => join(folder, `${repetition}`);
    const jobFolder = jobHash(job, weights.sha256).slice(0, 16);
    try {
      const measured = await interleaved(
        ["redistill", "plain TRL"],
        surroundings,
        (name, repetition) =>
          name === "redistill"
            ? trainOurs(job, folderOf(repetition), python, surroundings)
            : trainPlainly(join(folderOf(repetition), jobFolder, "job.json"), python, surroundings),
      );
      const [ours, plain] = measured.map(({ results }) => results) as [Figures[], Figures[]];
      if (ours[0]?.tokens !== plain[0]?.tokens) {
        throw new Error("the two trained on different numbers of tokens: not the same work");
      }
      const speeds = (of: readonly Figures[]) => of.map(({ tokens, seconds }) => tokens / seconds);
      const { epochs, tokensPerStep } = job.settings;
      console.log(
        `\n${job.examples.length} examples, ${epochs} epochs, ${ours[0]?.tokens} real tokens; at most ${tokensPerStep} tokens a step here, padded batches of 8 in plain TRL.`,
      );
      console.log("Three figures are minimum / median / maximum.");
      printTable(
        ["trainer", "real tokens/s", "training, s", "whole process, s"],
        measured.map(({ item, results }) => [
          item,
          spread(speeds(results)),
          spread(results.map(({ seconds }) => seconds)),
          spread(results.map(({ wall }) => wall)),
        ]),
      );
      const curves = [ours[0]!, plain[0]!].map(({ losses }) => byEpoch(losses, epochs));
      console.log("\nMean loss of the optimiser steps of each epoch, first repetition:\n");
      printTable(
        ["epoch", "redistill", "plain TRL"],
        curves[0]!.map((loss, at) => [`${at + 1}`, loss.toFixed(3), curves[1]![at]!.toFixed(3)]),
      );
      const walls = (of: readonly Figures[]) => of.map(({ wall }) => wall);
      console.log(
        `\n- real tokens/s, redistill to plain TRL: ${ratio(speeds(ours), speeds(plain))}`,
      );
      console.log(`- whole process, plain TRL to redistill: ${ratio(walls(plain), walls(ours))}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
