import type { Attempt, Critique, Decision, Evaluation, Example, Revision } from "./entities.js";
import type { Preference } from "./judge.js";

export type Suite = "gate" | "retention" | "sealed";

/** An answer that curation left out of the training set, and why. */
export interface Refusal {
  readonly sourceId: string;
  readonly taskId: string;
  readonly reason: string;
}

/** A trained candidate, as its row has it. Paths are relative to the workspace. */
export interface AdapterRow {
  readonly sha256: string;
  readonly modelDigest: string;
  readonly parent: string | null;
  readonly ggufPath: string;
  readonly peftPath: string;
  readonly round: number;
  /** Of the last step; null where the trainer could not give one. */
  readonly finalLoss: number | null;
  readonly tokens: number;
  readonly seconds: number;
}

/** Answers of one model (`adapter` null: the base weights) on one suite. */
export interface SuiteAnswers {
  readonly suite: Suite;
  readonly adapter: string | null;
  readonly items: readonly Evaluation[];
}

/** All that a round has produced so far; a stage adds its own part. */
export interface RoundRows {
  readonly elicited: readonly string[];
  readonly attempts: readonly Attempt[];
  readonly critiques: readonly Critique[];
  readonly revisions: readonly Revision[];
  readonly preferences: readonly Preference[];
  readonly examples: readonly Example[];
  readonly refusals: readonly Refusal[];
  readonly candidate: AdapterRow | null;
  /** Why retraining gave no candidate; null while it has not run or when it gave one. */
  readonly noCandidate: string | null;
  readonly evaluations: readonly SuiteAnswers[];
  readonly decision: Decision | null;
}

export const emptyRound: RoundRows = {
  elicited: [],
  attempts: [],
  critiques: [],
  revisions: [],
  preferences: [],
  examples: [],
  refusals: [],
  candidate: null,
  noCandidate: null,
  evaluations: [],
  decision: null,
};

/** Figures of a finished stage, for people: `{ attempts: 512, ok: 61 }`. */
export type StageSummary = Readonly<Record<string, number | string>>;
