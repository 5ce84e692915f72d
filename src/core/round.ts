import type { ClusterRows } from "./cluster.js";
import type {
  Attempt,
  Candidate,
  Critique,
  Decision,
  Evaluation,
  Example,
  Revision,
} from "./entities.js";
import type { Examined, Mended } from "./examination.js";
import type { Preference } from "./judge.js";
import type { RecalledLesson } from "./lesson.js";
import { type DistilledLesson, parseMemory } from "./memory.js";
import type { ValidationAnswer } from "./validation.js";

export type Suite = "gate" | "retention" | "sealed";

/** An answer that curation left out of the training set, and why. */
export interface Refusal {
  readonly sourceId: string;
  readonly taskId: string;
  readonly reason: string;
}

/**
 * A candidate, as its row has it: weights, a memory, or both. Paths are relative to the workspace;
 * those of weights are null where it has none of its own.
 */
export interface AdapterRow {
  readonly sha256: string;
  readonly modelDigest: string;
  readonly parent: string | null;
  /** sha256 of the GGUF file. */
  readonly weights: string | null;
  readonly ggufPath: string | null;
  readonly peftPath: string | null;
  readonly memoryPath: string | null;
  /** What is in the memory's file. */
  readonly memory: string | null;
  readonly round: number;
  /** Of the last step; null where the trainer could not give one. */
  readonly finalLoss: number | null;
  readonly tokens: number;
  readonly seconds: number;
}

/** A candidate from its row; none of its files is looked at. `at` makes its paths those of this machine. */
export function candidateOf(row: AdapterRow, at = (path: string): string => path): Candidate {
  const { sha256, weights, ggufPath, peftPath, memory, parent, round } = row;
  const trained =
    weights === null || ggufPath === null || peftPath === null
      ? null
      : { sha256: weights, ggufPath: at(ggufPath), peftPath: at(peftPath), parent, round };
  return { sha256, weights: trained, memory: memory === null ? null : parseMemory(memory) };
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
  /** Lessons of earlier runs that fit the elicited tasks; empty where the recipe reads none. */
  readonly recalled: readonly RecalledLesson[];
  readonly attempts: readonly Attempt[];
  readonly critiques: readonly Critique[];
  readonly revisions: readonly Revision[];
  readonly examined: readonly Examined[];
  readonly mended: readonly Mended[];
  readonly clusters: ClusterRows;
  readonly preferences: readonly Preference[];
  readonly examples: readonly Example[];
  readonly refusals: readonly Refusal[];
  readonly distilled: readonly DistilledLesson[];
  readonly candidate: AdapterRow | null;
  /** Why retraining gave no candidate; null while it has not run or when it gave one. */
  readonly noCandidate: string | null;
  /** Of the candidate to training tasks; only with a policy that is not fixed. */
  readonly validation: readonly ValidationAnswer[];
  readonly evaluations: readonly SuiteAnswers[];
  readonly decision: Decision | null;
}

export const emptyRound: RoundRows = {
  elicited: [],
  recalled: [],
  attempts: [],
  critiques: [],
  revisions: [],
  examined: [],
  mended: [],
  clusters: { born: [], members: [], sizes: [] },
  preferences: [],
  examples: [],
  refusals: [],
  distilled: [],
  candidate: null,
  noCandidate: null,
  validation: [],
  evaluations: [],
  decision: null,
};

/** Figures of a finished stage, for people: `{ attempts: 512, ok: 61 }`. */
export type StageSummary = Readonly<Record<string, number | string>>;
