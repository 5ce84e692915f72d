import type { DecisionOutcome, Outcome, OutcomeCounts } from "../../core/entities.js";
import type { Suite } from "../../core/round.js";
import type { StudySpec } from "../../core/study.js";
import type { DetectionFigures } from "../../stats/index.js";
import type { Reworking } from "../../store/figures.js";
import type { StudyCalls } from "../../store/studies.js";
import type { StudyAnalysis } from "../analysis.js";

/**
 * Everything that a study's report says, from its rows alone, and nothing that a disturbance would change.
 * Texts are as the model wrote them: the renderers make them safe to show.
 */
export interface StudyReport {
  readonly kind: "study-report";
  readonly study: string;
  readonly spec: StudySpec;
  readonly finished: boolean;
  readonly headline: string;
  readonly analysis: StudyAnalysis;
  /** By arm, those that something was run of. */
  readonly flows: readonly ArmFlow[];
  /** Critiques by themselves; empty where the recipe examines none. */
  readonly critics: readonly ArmCritic[];
  readonly costs: readonly ArmCost[];
  readonly calls: StudyCalls;
  /** Runs that have ended, in the study's order. */
  readonly runs: readonly RunReport[];
  /** null: no two arms have answers that differ. */
  readonly examples: Examples | null;
  readonly provenance: Provenance;
  readonly answers: readonly AnswerTable[];
  /** Times; null where they were not asked for, as a repeated study has others. */
  readonly howItWent: HowItWent | null;
}

/** From draft to revision on training tasks, and from base weights to student on gate tasks. */
export interface ArmFlow {
  readonly arm: string;
  /** Of all its runs. Sampled before the first training, or by later incumbents. */
  readonly attempts: OutcomeCounts;
  readonly reworkings: readonly Reworking[];
  /** Wrong drafts that were put right, of all wrong ones that were reworked; ungradable counts as wrong. */
  readonly fixed: { readonly count: number; readonly of: number };
  /** Right drafts that were spoilt, of all right ones that were reworked. */
  readonly broken: { readonly count: number; readonly of: number };
  /** Gate tasks times seeds, by what the base weights and the student got. */
  readonly students: {
    readonly kept: number;
    readonly fixed: number;
    readonly broken: number;
    readonly missed: number;
  };
}

/** An arm's critiques, and the revisions after them, on answers of which the verifier knows what they are. */
export interface ArmCritic {
  readonly arm: string;
  readonly figures: DetectionFigures;
}

/** What an arm took, on average over its runs. */
export interface ArmCost {
  readonly arm: string;
  readonly seeds: number;
  /** Prompt and answer tokens that each stage stands on, whoever paid for them. */
  readonly stages: Readonly<Record<string, number>>;
  /** Sampled to learn from: all stages but those that measure. */
  readonly sampled: number;
  readonly trained: number;
}

export interface RunReport {
  readonly arm: string;
  readonly seed: number;
  readonly runId: string;
  readonly decision: DecisionOutcome;
  readonly noCandidate: string | null;
  /** Rounds without a candidate, with the gate's reason. */
  readonly skipped: readonly { readonly round: number; readonly reason: string }[];
  readonly rounds: number;
  readonly note: string | null;
}

/** Tasks that one of two arms got right and the other did not, chosen by lot. */
export interface Examples {
  readonly suite: Suite;
  readonly seed: number;
  readonly before: string;
  readonly after: string;
  readonly gained: number;
  readonly lost: number;
  readonly shown: readonly Example[];
}

export interface Example {
  readonly gained: boolean;
  readonly task: string;
  readonly expected: string | null;
  readonly before: ExampleAnswer;
  readonly after: ExampleAnswer;
}

export interface ExampleAnswer {
  readonly answer: string;
  readonly outcome: Outcome;
}

/** What it takes to get the same study again. */
export interface Provenance {
  readonly specHash: string;
  readonly modelDigests: readonly string[];
  readonly runs: readonly {
    readonly arm: string;
    readonly seed: number;
    readonly runId: string;
    readonly recipeHash: string;
    readonly modelDigest: string;
    readonly student: string | null;
  }[];
  readonly prompts: readonly {
    readonly stage: string;
    readonly name: string;
    readonly version: string;
    readonly hash: string;
  }[];
  /** Of ids, prompts and references; more than one of a split says that its runs are not comparable. */
  readonly taskSets: readonly {
    readonly split: string;
    readonly tasks: number;
    readonly hash: string;
    readonly runs: number;
  }[];
}

/** Right or not, of one suite. */
export interface AnswerTable {
  /** `gate`, `sealed`, `retention`, or `retention (general)` where the recipe names its suites. */
  readonly suite: string;
  readonly tasks: readonly string[];
  readonly rows: readonly {
    readonly arm: string;
    /** null: the untrained weights, which no seed changes. */
    readonly seed: number | null;
    /** A mark for each task: 1 right, 0 not, - not asked. */
    readonly marks: string;
  }[];
}

export interface HowItWent {
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly runs: readonly {
    readonly arm: string;
    readonly seed: number;
    readonly startedAt: string;
    readonly finishedAt: string | null;
  }[];
}
