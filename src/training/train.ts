import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { Logprob, Task } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import { sha256 } from "../core/hash.js";
import type {
  RenderedDistribution,
  Train,
  TrainingExample,
  TrainingJob,
  TrainingProgress,
  TrainingResult,
  Verify,
} from "../core/ports.js";
import type { WorkerEvent } from "./event.js";
import { TrainerFailure } from "./failure.js";
import { writeDurably } from "./files.js";
import type { TrainerWorker } from "./worker.js";

export interface TrainerOptions {
  /** Runs the job: a process on this machine, or a cluster (ray/runner.ts). */
  readonly worker: Pick<TrainerWorker, "request">;
  /** The weights that the engine runs: an adapter fits these alone. */
  readonly model: { readonly path: string; readonly sha256: string };
  /** Where jobs and their adapters live, one folder per job. */
  readonly directory: string;
  /** Scores the answers that a training by trial asks about; no such training works without. */
  readonly verify?: Verify;
}

const manifestShape = z.object({
  gguf_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Absent where all weights were trained: the GGUF file is all that there is. */
  peft_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  final_loss: z.number().nullable(),
  tokens: z.number(),
  seconds: z.number(),
  reward_model: z.object({ held_out: z.number(), held_out_right: z.number() }).optional(),
});

const progressShape = z.object({
  step: z.number(),
  steps: z.number(),
  loss: z.number().nullish(),
  tokens_per_second: z.number().nullish(),
  eta_seconds: z.number().nullish(),
});

/** Equal to RECIPE in trainer/redistill_trainer/job.py: which weights a job gives depends on it. */
export const trainerRecipe = 1;

/** Architectures whose adapters the trainer can write for llama.cpp. */
const trainable = ["llama", "qwen2", "qwen3"];

/** Refuses weights that could be run but not trained, before anything is paid for. */
export function requireTrainable(path: string, architecture: string): void {
  if (trainable.includes(architecture)) return;
  throw new RedistillError(
    "model",
    `${path} is of architecture ${architecture}, which the trainer cannot train`,
    `Use a model of one of these architectures: ${trainable.join(", ")}.`,
  );
}

/** What names a job: everything that determines the weights that come out, and no path. */
export function jobHash(job: TrainingJob, modelSha256: string): string {
  const { method, trainer, weights, options, examples, parent, seed, settings } = job;
  const recipe = trainerRecipe;
  return sha256({
    recipe,
    // Plain imitation is named as it was before there were other methods: its adapters stay valid.
    ...(method === "sft" ? {} : { method, options }),
    ...(trainer === undefined ? {} : { trainer }),
    ...(weights === undefined ? {} : { weights }),
    examples,
    parent: parent?.sha256 ?? null,
    seed,
    settings,
    model: modelSha256,
  });
}

/**
 * The trainer, whoever runs its jobs. The same job is trained once: asked again, it
 * gives the adapter that is there, after its hash was checked; an interrupted one is continued.
 *
 * @example
 * const train = createTrainer({ worker, model, directory: "memory/adapters" });
 * const adapter = await train(job, { signal, onProgress: console.log });
 */
export function createTrainer({ worker, model, directory, verify }: TrainerOptions): Train {
  return async (job, { signal, onProgress }) => {
    const hash = jobHash(job, model.sha256);
    const folder = resolve(directory, hash.slice(0, 16));
    const output = join(folder, "adapter");
    const earlier = await finished(output);
    if (earlier !== null) return earlier;
    const jobPath = await writeJob(job, folder, output, model);
    const done = await worker.request(
      "train",
      { job: jobPath },
      {
        signal,
        onProgress: (event) => report(event, onProgress),
        ...(verify ? { onAsk: rewarding(job, verify) } : {}),
      },
    );
    if (!manifestShape.safeParse(done).success) {
      throw new TrainerFailure(
        "protocol",
        `The trainer's worker ended the job in ${folder} without saying what it wrote.`,
        "The trainer and redistill are of different versions: install redistill again.",
      );
    }
    const result = await finished(output);
    if (result !== null) return result;
    throw new TrainerFailure(
      "wrong_adapter",
      `The adapter in ${output} is missing, cut off or not the one that the trainer reported.`,
      "Check the disk (space, errors), delete that folder and run the command again.",
    );
  };
}

/** The adapter or whole model in a job's folder if its files are those of its manifest, else null. */
export async function finished(output: string): Promise<TrainingResult | null> {
  try {
    const text = await readFile(join(output, "manifest.json"), "utf8");
    const manifest = manifestShape.parse(JSON.parse(text));
    const whole = manifest.peft_sha256 === undefined;
    const ggufPath = join(output, whole ? "model.gguf" : "adapter.gguf");
    const peftPath = whole ? ggufPath : join(output, "peft");
    if ((await hashOf(ggufPath)) !== manifest.gguf_sha256) return null;
    const weights = join(peftPath, "adapter_model.safetensors");
    if (!whole && (await hashOf(weights)) !== manifest.peft_sha256) return null;
    const { gguf_sha256, final_loss, tokens, seconds, reward_model: reward } = manifest;
    return {
      ...{ sha256: gguf_sha256, ggufPath, peftPath, tokens, seconds },
      finalLoss: final_loss,
      ...(reward && { rewardModel: { right: reward.held_out_right, pairs: reward.held_out } }),
    };
  } catch (error) {
    if (isAbsent(error) || error instanceof z.ZodError || error instanceof SyntaxError) return null;
    throw error;
  }
}

async function writeJob(
  job: TrainingJob,
  folder: string,
  output: string,
  model: TrainerOptions["model"],
): Promise<string> {
  if (job.examples.length === 0) {
    throw new RedistillError(
      "training",
      "There is no example to train on.",
      "Give the round more tasks or attempts, so that some answers can be kept.",
    );
  }
  const lines = job.examples.map((example) => JSON.stringify(lineOf(example)));
  const text = `${lines.join("\n")}\n`;
  const examples = join(folder, "examples.jsonl");
  await writeDurably(examples, text);
  const { settings } = job;
  const content = {
    version: 1,
    model: resolve(model.path),
    model_sha256: model.sha256,
    examples,
    examples_sha256: sha256(text),
    parent: job.parent === null ? null : resolve(job.parent.peftPath),
    output,
    seed: job.seed,
    ...(job.settings.device === undefined ? {} : { device: job.settings.device }),
    ...(job.method === "sft" ? {} : { method: job.method, options: snakeCase(job.options) }),
    ...(job.trainer === undefined ? {} : { trainer: job.trainer }),
    ...(job.weights === undefined ? {} : { weights: job.weights }),
    settings: {
      ...(settings.rank === undefined ? {} : { rank: settings.rank }),
      ...(settings.alpha === undefined ? {} : { alpha: settings.alpha }),
      epochs: settings.epochs,
      learning_rate: settings.learningRate,
      tokens_per_step: settings.tokensPerStep,
      warmup_ratio: settings.warmupRatio,
    },
  };
  const path = join(folder, "job.json");
  await writeDurably(path, `${JSON.stringify(content, null, 2)}\n`);
  return path;
}

/** An example as the worker reads it: a task to practise goes by its id, and its answers come back. */
function lineOf(example: TrainingExample): object {
  if ("task" in example) return { ...example, task: example.task.id };
  if ("logprobs" in example) return distribution(example);
  if (!("teacherPrompt" in example)) return example;
  const { teacherPrompt, ...rest } = example;
  return { ...rest, teacher_prompt: teacherPrompt };
}

/** Tokens go by their ids, or by their texts where the model that gave them has other ids or none. */
function distribution({ logprobs, ...plain }: RenderedDistribution): object {
  const name = ({ id, token }: Logprob) => id ?? token;
  return {
    ...plain,
    tokens: logprobs.map(name),
    top: logprobs.map(({ top }) => top.map((each) => [name(each), each.logprob])),
  };
}

const answersShape = z.object({
  answers: z.array(z.object({ task: z.string(), answer: z.string() })),
});

/** Rewards the answers that the worker asks about: their verifiers' scores, null where ungradable. */
function rewarding({ examples }: TrainingJob, verify: Verify) {
  const tasks = new Map(examples.flatMap((e) => ("task" in e ? [[e.task.id, e.task]] : [])));
  return async (event: WorkerEvent): Promise<object> => {
    const { answers } = answersShape.parse(event);
    const items = answers.map(({ task, answer }) => ({ task: tasks.get(task) as Task, answer }));
    const verdicts = await verify(items);
    return {
      rewards: verdicts.map(({ score }) => score),
      findings: verdicts.map(({ finding }) => finding),
    };
  };
}

/** The worker's names of settings: `sft_weight` for `sftWeight`. */
function snakeCase(options: TrainingJob["options"]): object {
  const entries = Object.entries(options);
  const named = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(entries.map(([key, value]) => [named(key), value]));
}

function report(event: WorkerEvent, onProgress: (progress: TrainingProgress) => void): void {
  const parsed = progressShape.safeParse(event);
  if (!parsed.success) return;
  const { step, steps, loss, tokens_per_second, eta_seconds } = parsed.data;
  onProgress({
    step,
    steps,
    loss: loss ?? null,
    tokensPerSecond: tokens_per_second ?? 0,
    secondsLeft: eta_seconds ?? 0,
  });
}

/** Hex sha256 of a file. */
export async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

function isAbsent(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ENOENT" || error.code === "ENOTDIR" || error.code === "EISDIR";
}
