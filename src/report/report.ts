import type { DecisionOutcome, OutcomeCounts, PairedComparison } from "../core/entities.js";
import type { Reading } from "../core/health.js";
import type { Suite } from "../core/round.js";
import type { FullComparison } from "../stats/index.js";
import type { RoundFigures } from "../store/figures.js";
import type { NotificationCounts } from "../store/outbox.js";
import type { SpendReport } from "./spend.js";

/**
 * Everything that a report says of a run, from its rows alone. Texts are as the model wrote them:
 * the renderers make them safe to show.
 */
export interface RunReport {
  readonly kind: "report";
  readonly run: string;
  readonly description: string;
  readonly finished: boolean;
  readonly headline: string;
  /** Rounds that the gate has decided, and those that the recipe has. */
  readonly decided: number;
  readonly planned: number;
  readonly promoted: number;
  /** Why the run ended before its last round; null where it did not. */
  readonly stoppedEarly: string | null;
  /** The suites that have been answered, the most trustworthy first. */
  readonly suites: readonly SuiteReport[];
  readonly rounds: readonly RoundReport[];
  readonly changes: Changes | null;
  readonly reworked: readonly Reworked[];
  readonly health: Health;
  readonly basis: Basis;
  /** A task to try the result on. */
  readonly tryPrompt: string | null;
  /** All that would differ if the same run had been disturbed, or made on another machine. */
  readonly howItWent: HowItWent;
}

/** Base and final weights on one suite. */
export interface SuiteReport {
  readonly suite: Suite;
  readonly tasks: number;
  readonly base: OutcomeCounts;
  /** null: nothing is promoted yet, or the final weights have not answered this suite. */
  readonly comparison: FullComparison | null;
  /** Largest loss that the recipe allows, as a share of the tasks; null but for retention. */
  readonly margin: number | null;
}

/** One round in figures. */
export interface RoundReport extends Omit<RoundFigures, "elicited" | "solved" | "fixed"> {
  readonly round: number;
  readonly tasks: number;
  readonly tasksSolved: number;
  readonly tasksFixed: number;
  /** null: no candidate yet, or none at all. */
  readonly training: {
    readonly adapter: string;
    readonly loss: number | null;
    readonly tokens: number;
  } | null;
  /** null while the round goes on. */
  readonly decision: {
    readonly outcome: DecisionOutcome;
    readonly reason: string;
    readonly gate: PairedComparison | null;
    readonly retention: PairedComparison | null;
    readonly level: number;
  } | null;
}

/** Tasks on which base and final weights disagree; a few of each kind, first in the suite's order. */
export interface Changes {
  readonly suite: Suite;
  readonly gained: number;
  readonly lost: number;
  readonly better: readonly Change[];
  readonly worse: readonly Change[];
}

export interface Change {
  readonly task: string;
  readonly expected: string | null;
  readonly base: string;
  readonly final: string;
}

/** A wrong draft that the model itself put right. */
export interface Reworked {
  readonly round: number;
  readonly task: string;
  readonly draft: string;
  readonly critique: string | null;
  readonly revision: string;
}

/** What the monitors saw, oldest round first. */
export interface Health {
  readonly readings: readonly Reading[];
  /** Rounds whose promotion a monitor took back. */
  readonly rolledBack: readonly number[];
}

/** What the figures rest on. */
export interface Basis {
  readonly recipeHash: string;
  readonly seed: number;
  readonly modelDigest: string;
  /** sha256 of the incumbent's adapter; null is the base weights. */
  readonly incumbent: string | null;
  readonly prompts: readonly {
    readonly stage: string;
    readonly name: string;
    readonly hash: string;
  }[];
  readonly tasks: Readonly<Record<"train" | "gate" | "sealed" | "retention", number>>;
  /** How often the gate compared a candidate with the incumbent on its suite. */
  readonly looks: number;
  readonly alpha: number;
  readonly levelPerLook: number;
}

export interface HowItWent {
  readonly state: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** Stops that were asked for. */
  readonly interruptions: number;
  /** Ends to wait for something: a budget, a time window, room on the disk. */
  readonly pauses: number;
  readonly failures: readonly string[];
  /** Ends without a word: a kill, a crash, a power cut. */
  readonly crashes: number;
  readonly resumes: number;
  readonly notifications: NotificationCounts;
  readonly stages: readonly StageCost[];
  readonly spend: SpendReport;
  readonly rounds: readonly {
    readonly round: number;
    readonly seconds: number;
    readonly trainingSeconds: number | null;
  }[];
}

/** What a stage took, over all rounds. Answers that were paid for by another run cost nothing. */
export interface StageCost {
  readonly stage: string;
  /** null where the loop measures no time. */
  readonly seconds: number | null;
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}
