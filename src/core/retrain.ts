import { z } from "zod";
import { promptName } from "./prompt.js";

/** How a candidate learns from a round's examples; docs/decisions/015 has the sources. */

const count = (maximum: number) => z.number().int().min(1).max(maximum);
const share = z.number().min(0).max(1);
const weight = z.number().min(0).max(100);

/** What every method has; only the learning rate's default differs. */
const common = (learningRate: number) => ({
  /** Start each candidate from the base weights or go on from the incumbent. */
  from: z.enum(["base", "incumbent"]).default("base"),
  rank: count(256).default(8),
  alpha: z.number().gt(0).max(1024).default(16),
  epochs: count(100).default(3),
  learningRate: z.number().gt(0).max(1).default(learningRate),
  /** Real tokens in one optimiser step, at most. */
  tokensPerStep: z.number().int().min(64).max(65_536).default(512),
  warmupRatio: share.default(0.1),
  /** Where to train; auto takes cuda, else mps, else the CPU. */
  device: z.enum(["auto", "cpu", "cuda", "mps"]).default("auto"),
});

/** How answers are sampled while training. */
const rollouts = {
  maxTokens: count(4096).default(32),
  temperature: z.number().gt(0).max(5).default(1),
};

/** A teacher that sees more than the student. */
const teacherWeights = {
  /** The weights that training began with, those of now, or their moving average. */
  teacher: z.enum(["start", "live", "ema"]).default("start"),
  /** With `ema`: how much of the average each step keeps. */
  decay: share.default(0.95),
  /** 0: forward divergence, 1: reverse, between them Jensen-Shannon. */
  beta: share.default(0),
  ...rollouts,
};

const divergence = {
  /** What it sees: what attempts were asked with (exemplars), or what revisions were (critique, hint). */
  view: z.enum(["attempt", "revision"]).default("attempt"),
  ...teacherWeights,
};

export const retrainSchema = z.discriminatedUnion("method", [
  z.strictObject({
    method: z.literal("sft").default("sft"),
    ...common(1e-3),
    /** All alike, or answers to tasks that were seldom solved more. */
    weighting: z.enum(["even", "hardness"]).default("even"),
  }),
  z.strictObject({
    method: z.literal("dpo"),
    ...common(1e-3),
    beta: z.number().gt(0).max(10).default(0.1),
    /** Of the chosen answer's own likelihood (RPO). */
    sftWeight: weight.default(1),
  }),
  z.strictObject({
    method: z.literal("orpo"),
    ...common(1e-3),
    /** Of the odds ratio; the paper's lambda. */
    beta: z.number().gt(0).max(10).default(0.1),
  }),
  z.strictObject({
    method: z.literal("kto"),
    ...common(5e-4),
    beta: z.number().gt(0).max(10).default(0.1),
    /** Of right and of wrong answers, after both kinds were made to count the same. */
    rightWeight: weight.default(1),
    wrongWeight: weight.default(1),
    /** Of right answers' own likelihood. */
    sftWeight: weight.default(1),
  }),
  z.strictObject({
    method: z.literal("rrhf"),
    ...common(1e-3),
    /** Of the best answer's own likelihood. */
    sftWeight: weight.default(1),
  }),
  z.strictObject({ method: z.literal("sdft"), ...common(1e-3), ...divergence }),
  z.strictObject({
    method: z.literal("gkd"),
    ...common(1e-3),
    ...divergence,
    beta: share.default(0.5),
    /** Share of the steps whose answers the student samples; the others have the teacher's right ones. */
    onPolicy: share.default(0.5),
  }),
  z.strictObject({
    method: z.literal("sdpo"),
    ...common(1e-3),
    ...teacherWeights,
    teacher: teacherWeights.teacher.default("ema"),
    beta: share.default(0.5),
    /** Answers sampled to each question, judged by its verifier. */
    completions: z.number().int().min(2).max(256).default(8),
    /** The score from which an answer is shown to the teacher of others. */
    success: share.default(1),
    /** Prompts that show the teacher such an answer, or else what was found in its own. */
    solution: promptName.default("correct-solution"),
    feedback: promptName.default("earlier-attempt"),
  }),
  z.strictObject({
    method: z.literal("distill"),
    ...common(1e-3),
    /** Likeliest tokens whose probabilities are kept for each token of an answer. */
    topLogprobs: count(100).default(20),
    /** 0: forward divergence, 1: reverse, between them Jensen-Shannon. */
    beta: share.default(0),
  }),
  z.strictObject({
    method: z.literal("grpo"),
    ...common(5e-4),
    /** Answers sampled to each question, scored by its verifier and compared with each other. */
    completions: z.number().int().min(2).max(256).default(8),
    /** Of the divergence from the weights that training began with. */
    beta: weight.default(0),
    /** Whether a group's rewards are divided by their deviation. */
    scale: z.enum(["group", "none"]).default("group"),
    /** Who rewards: the task's verifier, a model trained first on the round's preferences, or both. */
    reward: z.enum(["verifier", "model", "mix"]).default("verifier"),
    /** With `mix`: the model's share. */
    modelShare: share.default(0.5),
    /** How often the reward model sees each pair. */
    rewardEpochs: count(100).default(3),
    ...rollouts,
  }),
]);

export type RetrainSettings = z.infer<typeof retrainSchema>;
export type Method = RetrainSettings["method"];

/** Settings of the whole recipe without which a method has nothing to learn from. */
export function methodContradictions(recipe: {
  readonly retrain: RetrainSettings;
  readonly teacher: { readonly labels: string; readonly exemplars: number };
  readonly refine: object | null;
}): { path: string[]; message: string }[] {
  const { retrain, teacher, refine } = recipe;
  const asksVerifier =
    retrain.method === "sdpo" || (retrain.method === "grpo" && retrain.reward !== "model");
  if (asksVerifier && teacher.labels === "majority") {
    const message = `${retrain.method} rewards answers by the task's reference, which labels: majority does without`;
    return [{ path: ["retrain", "method"], message }];
  }
  if (retrain.method !== "sdft" && retrain.method !== "gkd") return [];
  const path = ["retrain", "view"];
  if (retrain.view === "attempt" && teacher.exemplars === 0) {
    return [{ path, message: "attempts see no more than the student; set teacher.exemplars" }];
  }
  if (retrain.view === "revision" && refine === null) {
    return [{ path, message: "nothing is revised; set refine.prompt" }];
  }
  return [];
}

/** Whether a model that is trained first gives rewards, or part of them. */
export function hasRewardModel(retrain: RetrainSettings): boolean {
  return retrain.method === "grpo" && retrain.reward !== "verifier";
}

/** As the trainer has it: `rlaif` is `grpo` with a reward model that is trained in the same job. */
export type TrainedMethod = Method | "rlaif";
