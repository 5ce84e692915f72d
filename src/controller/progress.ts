import type { Decision } from "../core/entities.js";
import type { TrainingProgress } from "../core/ports.js";
import type { StageSummary } from "../core/round.js";

/** What a run tells those who watch it; nothing in the loop depends on it. */
export type Progress =
  | {
      readonly kind: "run";
      readonly runId: string;
      readonly rounds: number;
      readonly resumed: boolean;
    }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "stage"; readonly round: number; readonly stage: string }
  | {
      readonly kind: "items";
      readonly round: number;
      readonly stage: string;
      readonly done: number;
      readonly total: number;
      /** Answers that were found in the cache and cost nothing. */
      readonly cached: number;
      readonly tokensPerSecond: number;
      readonly secondsLeft: number | null;
      /** The incumbent's share of the gate suite; null before it was measured. */
      readonly score: number | null;
    }
  | ({ readonly kind: "training"; readonly round: number } & TrainingProgress)
  | {
      readonly kind: "stage-done";
      readonly round: number;
      readonly stage: string;
      readonly summary: StageSummary;
      readonly seconds: number;
      /** For the whole run, from the rounds so far; null in the first. */
      readonly runSecondsLeft: number | null;
    }
  | { readonly kind: "decision"; readonly round: number; readonly decision: Decision }
  | { readonly kind: "finished"; readonly runId: string };

export type Observe = (progress: Progress) => void;
