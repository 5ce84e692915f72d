import type { Memory } from "./memory.js";
import type { CritiqueReading } from "./prompt-output.js";

/**
 * The disjoint uses of a task: `train` feeds the loop, `replay` holds prompts for rehearsal, the
 * others only measure.
 */
export type Split = "train" | "replay" | "gate" | "sealed" | "retention";

/** A prompt, with an optional reference, and the way to check an answer. */
export interface Task {
  readonly id: string;
  readonly split: Split;
  readonly prompt: string;
  readonly reference: string | null;
  readonly verifier: VerifierSpec;
  readonly tags: readonly string[];
  /** What a source needs to score an answer itself (for example a reasoning-gym entry). */
  readonly metadata: Readonly<Record<string, unknown>> | null;
  /** Which retention suite it belongs to, where the recipe names them; absent everywhere else. */
  readonly suite?: string;
}

/** Which verifier checks a task, and its settings. */
export type VerifierSpec =
  | { readonly kind: "exact"; readonly ignoreCase?: boolean | undefined }
  | { readonly kind: "numeric"; readonly tolerance?: number | undefined }
  | { readonly kind: "contains" }
  | { readonly kind: "json" }
  | { readonly kind: "fields" }
  | RubricSpec
  | { readonly kind: "reasoning_gym" };

/** Graded by a judge: ok from `threshold` of `scale` points on. */
export interface RubricSpec {
  readonly kind: "rubric";
  readonly prompt: string;
  /** The best grade; 1 is the worst. */
  readonly scale: number;
  readonly threshold: number;
  readonly maxTokens: number;
}

/** Never a boolean: an answer that cannot be checked is neither right nor wrong. */
export type Outcome = "ok" | "wrong" | "ungradable";

export interface Verdict {
  readonly outcome: Outcome;
  /** 1 for ok, 0 for wrong, in between where a verifier gives partial credit, null if ungradable. */
  readonly score: number | null;
  readonly verifier: string;
  /** What was found, in words that do not give the reference away. */
  readonly finding: string;
}

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** How to sample. `temperature` 0 is greedy; `seed` is per call. */
export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly maxTokens: number;
  readonly seed: number;
}

/** Trained weights on disk, named by the sha256 of the GGUF file: a LoRA adapter, or a whole model. */
export interface Adapter {
  readonly sha256: string;
  readonly ggufPath: string;
  /** The same adapter as a PEFT folder; of a whole model the GGUF file again, since it is its only form. */
  readonly peftPath: string;
  /** The incumbent's adapter when this one was trained, null for the base weights. */
  readonly parent: string | null;
  readonly round: number;
}

/** Whether all weights were trained: then the GGUF file is a model by itself, and fits on no base. */
export function isWholeModel(adapter: {
  readonly ggufPath: string | null;
  readonly peftPath: string | null;
}): boolean {
  return adapter.ggufPath !== null && adapter.peftPath === adapter.ggufPath;
}

/**
 * What may take the incumbent's place: trained weights, a memory in the student's prompt, or both.
 * Named by the sha256 of the weights, or of the memory's file where it has one.
 */
export interface Candidate {
  readonly sha256: string;
  /** null: those of the base model. */
  readonly weights: Adapter | null;
  readonly memory: Memory | null;
}

/** One model request; its key is the hash of everything that determines the answer. */
export interface CallRequest {
  readonly messages: readonly Message[];
  readonly sampling: Sampling;
  /** A JSON schema that the answer is to follow; what comes back is validated by whoever asked. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** Log-probabilities are wanted, of so many alternatives for each sampled token. */
  readonly topLogprobs?: number;
}

/** A token with its log-probability (natural) under the whole distribution, before any sampling setting. */
export interface Logprob {
  readonly token: string;
  /** In the model's vocabulary; absent where only the text is known. */
  readonly id?: number;
  readonly logprob: number;
}

/** A sampled token with its log-probability and those of the likeliest tokens in its place. */
export interface TokenLogprob extends Logprob {
  readonly top: readonly Logprob[];
}

export type StopReason = "end" | "length";

/** One sampled answer, as the engine gave it. */
export interface Generation {
  readonly text: string;
  readonly stopReason: StopReason;
  readonly promptTokens: number;
  /** Prompt tokens that were really evaluated; the rest came from a shared prefix. */
  readonly evaluatedPromptTokens: number;
  readonly completionTokens: number;
  readonly durationMs: number;
  /** One for each sampled token, where the request asked for them. */
  readonly logprobs?: readonly TokenLogprob[];
}

/** A generation with the key of the call that it came from. */
export interface Completion extends Generation {
  readonly callKey: string;
  /** Why there is no answer: the request ended the engine each time, or its server refused it. Absent where there is one. */
  readonly unanswered?: string;
}

/** One sampled answer to a task, with its verdict. */
export interface Attempt {
  readonly id: string;
  readonly taskId: string;
  readonly index: number;
  readonly callKey: string;
  readonly answer: string;
  /** Cut off at maxTokens: may be right, but is nothing to learn from. */
  readonly truncated: boolean;
  readonly verdict: Verdict;
}

/** What the model said of one of its own attempts. */
export interface Critique extends CritiqueReading {
  readonly id: string;
  readonly attemptId: string;
  readonly taskId: string;
  readonly callKey: string;
  readonly promptHash: string;
  /** All that it said, as it said it. */
  readonly text: string;
}

/** The model's second answer, written with a critique, a reference or both in view. */
export interface Revision {
  readonly id: string;
  readonly attemptId: string;
  readonly critiqueId: string | null;
  readonly taskId: string;
  readonly index: number;
  readonly callKey: string;
  readonly answer: string;
  /** Cut off at maxTokens: may be right, but is nothing to learn from. */
  readonly truncated: boolean;
  readonly verdict: Verdict;
}

/** A row of a training set: the student's prompt and the answer to learn, with where it came from. */
export interface Example {
  readonly id: string;
  readonly taskId: string;
  readonly source: "attempt" | "revision" | "replay";
  readonly sourceId: string;
  /** The round in which the answer was written; examples are carried into later rounds. */
  readonly originRound: number;
  readonly messages: readonly Message[];
  readonly completion: string;
  /** What is learned besides, or in place of, saying the completion; absent for plain imitation. */
  readonly lesson?: Lesson;
}

/** An answer that an example holds beside its own, with where it came from. */
export interface OtherAnswer {
  readonly source: "attempt" | "revision";
  readonly sourceId: string;
  readonly answer: string;
}

/** What a training method other than plain imitation takes from an example. */
export type Lesson =
  | { readonly kind: "weighted"; readonly weight: number }
  /** The completion is better than another answer to the same task. */
  | {
      readonly kind: "pair";
      readonly rejected: OtherAnswer;
      /** The id of the judge's preference that says so; absent where verdicts do. */
      readonly preference?: string;
    }
  /** Whether the completion is right. */
  | { readonly kind: "label"; readonly right: boolean }
  /** The completion is the best of several; scores are from 0 to 1. */
  | {
      readonly kind: "ranking";
      readonly score: number;
      readonly others: readonly (OtherAnswer & { readonly score: number })[];
      /** As of a pair. */
      readonly preference?: string;
    }
  /** The question as the teacher sees it; the completion is what it answered, right or not. */
  | { readonly kind: "view"; readonly messages: readonly Message[] }
  /** The completion is learned with the probabilities that the model gave beside it, kept with its call. */
  | { readonly kind: "distribution"; readonly callKey: string }
  /** The task is learned by trying; the completion is an earlier try, right or not. */
  | { readonly kind: "practice" }
  /** The same, with what the teacher can be shown besides what is found while trying. */
  | {
      readonly kind: "feedback";
      readonly solution: string | null;
      readonly critiques: readonly (readonly [answer: string, critique: string])[];
    };

/** An answer to a task of a suite, with its verdict. */
export interface EvaluatedAnswer {
  readonly callKey: string;
  readonly answer: string;
  readonly verdict: Verdict;
}

/** One task of a suite, answered by one model: greedily. */
export interface Evaluation extends EvaluatedAnswer {
  readonly taskId: string;
  /** Further answers to the same task, sampled; absent where one is enough. */
  readonly sampled?: readonly EvaluatedAnswer[];
}

export type DecisionOutcome = "promoted" | "rejected" | "skipped";

/** What the gate decided in a round, with the figures it saw. */
export interface Decision {
  readonly outcome: DecisionOutcome;
  readonly reason: string;
  readonly gate: PairedComparison | null;
  /** Against the base weights; null where the recipe has no retention suite, or names several. */
  readonly retention: PairedComparison | null;
  /** The same of each suite that the recipe names, in its order; absent where it names none. */
  readonly retentionSuites?: readonly SuiteRetained[];
  /** Level that this look was tested at, after the correction for the number of looks. */
  readonly alpha: number;
  /** What decided where the gate goes task by task; `gate` then has the first answers to the same tasks. */
  readonly look?: Look;
}

/** What a candidate kept of a retention suite that has a name. */
export interface SuiteRetained {
  readonly name: string;
  /** Largest loss that the recipe allows, as a share of its tasks. */
  readonly margin: number;
  readonly comparison: PairedComparison;
}

/** A look at a candidate that ends as soon as it is decided either way (docs/decisions/016). */
export interface Look {
  /** `better`: shown to be; `hopeless`: given up; `open`: neither, and all tasks were asked. */
  readonly outcome: "better" | "hopeless" | "open";
  /** Tasks that it took, and those that there were. */
  readonly tasks: number;
  readonly horizon: number;
  /** Answers of each model to each task. */
  readonly attempts: number;
  /** What a gambler owns who began with 1 and bet on the candidate: better from 1 / level on. */
  readonly wealth: number;
  /** Shares of right answers to these tasks, all attempts counted. */
  readonly incumbent: number;
  readonly candidate: number;
}

/** Two models on the same tasks: how often each was right, and how sure the difference is. */
export interface PairedComparison {
  readonly tasks: number;
  readonly baseline: OutcomeCounts;
  readonly candidate: OutcomeCounts;
  /** Tasks that only the candidate got right, and tasks that only the baseline got right. */
  readonly gained: number;
  readonly lost: number;
  /** candidate - baseline, as a share of all tasks. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  /** Coverage of [low, high], for example 0.95. */
  readonly confidence: number;
  /** One-sided exact McNemar p-value for "candidate is better". */
  readonly pBetter: number;
  /** Two-sided exact McNemar p-value. */
  readonly pDifferent: number;
}

export interface OutcomeCounts {
  readonly ok: number;
  readonly wrong: number;
  readonly ungradable: number;
}
