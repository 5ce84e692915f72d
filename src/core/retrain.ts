import { z } from "zod";

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
});

/**
 * Where preferences come from: right answers over wrong ones, right revisions over the drafts that
 * they mend, a judge's over answers that verifiers do not set apart, or all of these.
 */
const pairs = z.enum(["verdicts", "revisions", "judge", "all"]).default("verdicts");

/** How answers are sampled while training. */
const rollouts = {
  maxTokens: count(4096).default(32),
  temperature: z.number().gt(0).max(5).default(1),
};

/** A teacher that sees more than the student. */
const divergence = {
  /** What it sees: what attempts were asked with (exemplars), or what revisions were (critique, hint). */
  view: z.enum(["attempt", "revision"]).default("attempt"),
  /** The weights that training began with, those of now, or their moving average. */
  teacher: z.enum(["start", "live", "ema"]).default("start"),
  /** With `ema`: how much of the average each step keeps. */
  decay: share.default(0.95),
  /** 0: forward divergence, 1: reverse, between them Jensen-Shannon. */
  beta: share.default(0),
  ...rollouts,
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
    pairs,
    beta: z.number().gt(0).max(10).default(0.1),
    /** Of the chosen answer's own likelihood (RPO). */
    sftWeight: weight.default(1),
  }),
  z.strictObject({
    method: z.literal("orpo"),
    ...common(1e-3),
    pairs,
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
    pairs,
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
    method: z.literal("grpo"),
    ...common(5e-4),
    /** Answers sampled to each question, scored by its verifier and compared with each other. */
    completions: z.number().int().min(2).max(256).default(8),
    /** Of the divergence from the weights that training began with. */
    beta: weight.default(0),
    /** Whether a group's rewards are divided by their deviation. */
    scale: z.enum(["group", "none"]).default("group"),
    ...rollouts,
  }),
]);

export type RetrainSettings = z.infer<typeof retrainSchema>;
export type Method = RetrainSettings["method"];

/** Whether a judge's preferences are among what is learned. */
export function learnsFromJudge(retrain: RetrainSettings): boolean {
  return "pairs" in retrain && (retrain.pairs === "judge" || retrain.pairs === "all");
}

/** Whether a preferred answer may be a wrong one: only where it is not imitated besides. */
export function learnsFromWrong(retrain: RetrainSettings): boolean {
  return retrain.method === "dpo" && retrain.sftWeight === 0;
}

/** Settings of the whole recipe without which a method has nothing to learn from. */
export function methodContradictions(recipe: {
  readonly retrain: RetrainSettings;
  readonly teacher: { readonly labels: string; readonly exemplars: number };
  readonly refine: object | null;
  readonly judge: object | null;
}): { path: string[]; message: string }[] {
  const { retrain, teacher, refine, judge } = recipe;
  if (learnsFromJudge(retrain) && judge === null) {
    return [{ path: ["retrain", "pairs"], message: "nobody compares answers; set judge.prompt" }];
  }
  if ("pairs" in retrain && retrain.pairs === "revisions" && refine === null) {
    return [{ path: ["retrain", "pairs"], message: "nothing is revised; set refine.prompt" }];
  }
  if (retrain.method === "grpo" && teacher.labels === "majority") {
    const message =
      "grpo rewards answers by the task's reference, which labels: majority does without";
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

/** A recipe's settings as a training job has them: what all methods have, and what only this one has. */
export function trainingSettings({ method, ...all }: RetrainSettings) {
  const {
    from: _from,
    rank,
    alpha,
    epochs,
    learningRate,
    tokensPerStep,
    warmupRatio,
    ...own
  } = all;
  // How examples came about is nothing that the trainer needs.
  const {
    weighting: _weighting,
    view: _view,
    pairs: _pairs,
    ...options
  } = { weighting: null, view: null, pairs: null, ...own };
  const settings = { rank, alpha, epochs, learningRate, tokensPerStep, warmupRatio };
  return { method, settings, options: options as Readonly<Record<string, number | string>> };
}
