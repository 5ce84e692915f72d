import { z } from "zod";
import { type MemorySettings, memorySchema, memoryShape } from "./memory.js";
import { promptName } from "./prompt.js";

/** How a candidate learns from a round's examples; docs/decisions/015 has the sources. */

const count = (maximum: number) => z.number().int().min(1).max(maximum);
const share = z.number().min(0).max(1);
const weight = z.number().min(0).max(100);

/** What every method has. */
const common = {
  /** What is trained: an adapter beside the base's weights, or all of these. */
  weights: z.enum(["lora", "full"]).default("lora"),
  /** Start each candidate from the base weights or go on from the incumbent. */
  from: z.enum(["base", "incumbent"]).default("base"),
  /** What computes it; mlx is for Apple silicon, and imitates only. */
  trainer: z.enum(["torch", "mlx"]).default("torch"),
  /** Of an adapter. */
  rank: count(256).optional(),
  alpha: z.number().gt(0).max(1024).optional(),
  epochs: count(100).default(3),
  learningRate: z.number().gt(0).max(1).optional(),
  /** Real tokens in one optimiser step, at most. */
  tokensPerStep: z.number().int().min(64).max(65_536).default(512),
  warmupRatio: share.default(0.1),
  /** Where to train; auto takes cuda, else mps, else the CPU. */
  device: z.enum(["auto", "cpu", "cuda", "mps"]).default("auto"),
};

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

const methods = z.discriminatedUnion("method", [
  z.strictObject({
    method: z.literal("sft").default("sft"),
    ...common,
    /** All alike, or answers to tasks that were seldom solved more. */
    weighting: z.enum(["even", "hardness"]).default("even"),
  }),
  z.strictObject({
    method: z.literal("dpo"),
    ...common,
    pairs,
    beta: z.number().gt(0).max(10).default(0.1),
    /** Of the chosen answer's own likelihood (RPO). */
    sftWeight: weight.default(1),
  }),
  z.strictObject({
    method: z.literal("orpo"),
    ...common,
    pairs,
    /** Of the odds ratio; the paper's lambda. */
    beta: z.number().gt(0).max(10).default(0.1),
  }),
  z.strictObject({
    method: z.literal("kto"),
    ...common,
    beta: z.number().gt(0).max(10).default(0.1),
    /** Of right and of wrong answers, after both kinds were made to count the same. */
    rightWeight: weight.default(1),
    wrongWeight: weight.default(1),
    /** Of right answers' own likelihood. */
    sftWeight: weight.default(1),
  }),
  z.strictObject({
    method: z.literal("rrhf"),
    ...common,
    pairs,
    /** Of the best answer's own likelihood. */
    sftWeight: weight.default(1),
  }),
  z.strictObject({ method: z.literal("sdft"), ...common, ...divergence }),
  z.strictObject({
    method: z.literal("gkd"),
    ...common,
    ...divergence,
    beta: share.default(0.5),
    /** Share of the steps whose answers the student samples; the others have the teacher's right ones. */
    onPolicy: share.default(0.5),
  }),
  z.strictObject({
    method: z.literal("sdpo"),
    ...common,
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
    ...common,
    /** Likeliest tokens whose probabilities are kept for each token of an answer. */
    topLogprobs: count(100).default(20),
    /** 0: forward divergence, 1: reverse, between them Jensen-Shannon. */
    beta: share.default(0),
  }),
  z.strictObject({
    method: z.literal("grpo"),
    ...common,
    /** Answers sampled to each question, scored by its verifier and compared with each other. */
    completions: z.number().int().min(2).max(256).default(8),
    /** Of the divergence from the weights that training began with. */
    beta: weight.default(0),
    /** Whether a group's rewards are divided by their deviation. */
    scale: z.enum(["group", "none"]).default("group"),
    /** Who rewards: the task's verifier, a model trained first on the round's preferences, or both. */
    reward: z.enum(["verifier", "model", "mix"]).default("verifier"),
    /** The preferences that the reward model is trained on. */
    pairs,
    /** With `mix`: the model's share. */
    modelShare: share.default(0.5),
    /** How often the reward model sees each pair. */
    rewardEpochs: count(100).default(3),
    ...rollouts,
  }),
  /** No weights are trained: what was learned stands in the student's prompt. */
  z.strictObject({ method: z.literal("memory"), ...memoryShape }),
]);

type WeightMethod = Exclude<z.infer<typeof methods>, { method: "memory" }>["method"];

/** Default rates of adapters. */
const learningRates: Readonly<Record<WeightMethod, number>> = {
  ...{ sft: 1e-3, dpo: 1e-3, orpo: 1e-3, kto: 5e-4, rrhf: 1e-3 },
  ...{ sdft: 1e-3, gkd: 1e-3, sdpo: 1e-3, distill: 1e-3, grpo: 5e-4 },
};

/**
 * The best rate for all weights is a tenth of the best one for an adapter, in imitation and with rewards
 * (Schulman et al. 2025, "LoRA Without Regret").
 */
const fullShare = 10;

/** Defaults that depend on other settings are put in last; what is there stays. */
export const retrainSchema = methods.transform((settings) => {
  if (settings.method === "memory") return settings;
  const { method, weights, rank, alpha, learningRate } = settings;
  const adapter = weights === "lora" || hasRewardModel(settings);
  return {
    ...settings,
    rank: rank ?? (adapter ? 8 : undefined),
    alpha: alpha ?? (adapter ? 16 : undefined),
    learningRate: learningRate ?? learningRates[method] / (weights === "full" ? fullShare : 1),
  };
});

export type RetrainSettings = z.infer<typeof retrainSchema>;
/** Those of a method that trains weights. */
export type WeightSettings = Exclude<RetrainSettings, { method: "memory" }>;
export type Method = WeightSettings["method"];

/** Whether a judge's preferences are among what is learned. */
export function learnsFromJudge(retrain: RetrainSettings): boolean {
  const from = "pairs" in retrain ? retrain.pairs : "verdicts";
  return from === "judge" || from === "all";
}

/** Whether a preferred answer may be a wrong one: only where it is not imitated besides. */
export function learnsFromWrong(retrain: RetrainSettings): boolean {
  return (retrain.method === "dpo" && retrain.sftWeight === 0) || hasRewardModel(retrain);
}

/** Settings of the whole recipe without which a method has nothing to learn from. */
export function methodContradictions(recipe: {
  readonly retrain: RetrainSettings;
  readonly teacher: { readonly labels: string; readonly exemplars: number };
  readonly refine: object | null;
  readonly judge: object | null;
}): { path: string[]; message: string }[] {
  const { retrain, teacher, refine, judge } = recipe;
  if (retrain.method === "memory") return [];
  if (retrain.trainer === "mlx" && retrain.method !== "sft") {
    const message = `mlx trains by sft only, not by ${retrain.method}; set trainer: torch`;
    return [{ path: ["retrain", "trainer"], message }];
  }
  if (retrain.weights === "full") {
    if (retrain.trainer === "mlx") {
      const message = "mlx trains adapters only; set trainer: torch, or weights: lora";
      return [{ path: ["retrain", "trainer"], message }];
    }
    const [key] = hasRewardModel(retrain)
      ? []
      : (["rank", "alpha"] as const).filter((each) => retrain[each] !== undefined);
    if (key !== undefined) {
      const message =
        "weights: full trains all weights, without an adapter; leave it out, and learningRate if it was chosen for one";
      return [{ path: ["retrain", key], message }];
    }
  }
  const path = ["retrain", "pairs"];
  if (learnsFromJudge(retrain) && judge === null) {
    return [{ path, message: "nobody compares answers; set judge.prompt" }];
  }
  if ("pairs" in retrain && retrain.pairs === "revisions" && refine === null) {
    return [{ path, message: "nothing is revised; set refine.prompt" }];
  }
  if (retrain.method === "grpo" && retrain.pairs !== "verdicts" && !hasRewardModel(retrain)) {
    return [{ path, message: "no reward model is trained on them; set retrain.reward: model" }];
  }
  if (asksVerifier(retrain) && teacher.labels === "majority") {
    const message = `${retrain.method} rewards answers by the task's reference, which labels: majority does without`;
    return [{ path: ["retrain", "method"], message }];
  }
  if (retrain.method !== "sdft" && retrain.method !== "gkd") return [];
  const view = ["retrain", "view"];
  if (retrain.view === "attempt" && teacher.exemplars === 0) {
    return [
      { path: view, message: "attempts see no more than the student; set teacher.exemplars" },
    ];
  }
  if (retrain.view === "revision" && refine === null) {
    return [{ path: view, message: "nothing is revised; set refine.prompt" }];
  }
  return [];
}

/** A recipe's memory: that of the method, or the one beside trained weights; null where it has none. */
export function memorySettings(recipe: {
  readonly retrain: RetrainSettings;
  readonly memory: MemorySettings | null;
}): MemorySettings | null {
  return recipe.retrain.method === "memory" ? recipe.retrain : recipe.memory;
}

/** Whether a recipe makes lessons of its critiques: for its memory, or for those that outlive the run. */
export function distils(
  recipe: Parameters<typeof memorySettings>[0] & {
    readonly longTerm: { readonly write: boolean } | null;
  },
): boolean {
  return (recipe.longTerm?.write ?? false) || (memorySettings(recipe)?.lessons ?? 0) > 0;
}

/**
 * The prompts by which a recipe's lessons are made and shown: those of its memory, else the usual ones where it has a
 * long-term one; null where it has neither.
 */
export function lessonPrompts(
  recipe: Parameters<typeof memorySettings>[0] & { readonly longTerm: object | null },
): Pick<MemorySettings, "prompt" | "lessonPrompt"> | null {
  return memorySettings(recipe) ?? (recipe.longTerm === null ? null : memorySchema.parse({}));
}

/** Settings of a memory that make no sense together. */
export function memoryContradictions(
  recipe: Parameters<typeof memorySettings>[0],
): { path: string[]; message: string }[] {
  const inMethod = recipe.retrain.method === "memory";
  if (inMethod && recipe.memory !== null) {
    const message = "retrain.method: memory has these settings itself; keep one of the two";
    return [{ path: ["memory"], message }];
  }
  const settings = memorySettings(recipe);
  if (settings === null || settings.lessons + settings.exemplars > 0) return [];
  const path = [inMethod ? "retrain" : "memory", "lessons"];
  return [{ path, message: "no lessons and no exemplars: there is nothing to remember" }];
}

/** Whether a model that is trained first gives rewards, or part of them. */
export function hasRewardModel(retrain: {
  readonly method: string;
  readonly reward?: string;
}): boolean {
  return retrain.method === "grpo" && retrain.reward !== "verifier";
}

/** Whether answers are checked by the run's verifiers while it trains. */
export function asksVerifier(retrain: RetrainSettings): boolean {
  return retrain.method === "sdpo" || (retrain.method === "grpo" && retrain.reward !== "model");
}

/** As the trainer has it: `rlaif` is `grpo` with a reward model that is trained in the same job. */
export type TrainedMethod = Method | "rlaif";
