import type { ClusterSize, FailedOutcome } from "../core/cluster.js";
import type {
  DecisionOutcome,
  Look,
  Outcome,
  OutcomeCounts,
  PairedComparison,
  SuiteRetained,
} from "../core/entities.js";
import type { Reading } from "../core/health.js";
import type { LessonEvidence, RememberedExemplar } from "../core/memory.js";
import type { Plan, TrialArm } from "../core/policy.js";
import type { Recipe } from "../core/recipe.js";
import type { Suite } from "../core/round.js";
import type { FullComparison, Interval, JudgeFigures } from "../stats/index.js";
import type { RoundFigures } from "../store/figures.js";
import type { NotificationCounts } from "../store/outbox.js";
import type { StageSpend } from "../store/spend.js";
import type { EndedEarly } from "./ended.js";
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
  /** Why it stands still unfinished, and what to do; null where it does not. */
  readonly ended: EndedEarly | null;
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
  /** What was right before and is wrong now on the retention suite; null where nothing was lost. */
  readonly forgotten: Changes | null;
  readonly reworked: readonly Reworked[];
  /** Failures grouped by what went wrong, the latest largest first; absent where they are not grouped. */
  readonly clusters?: readonly ClusterReport[];
  /** What the policy decided for each round; empty where it is fixed. */
  readonly plans: readonly Plan[];
  /** Critique prompts that were tried beside a round's own; empty where none was. */
  readonly trials: readonly TrialReport[];
  /** What each of the rounds that answered the gate suite gave for its tokens. */
  readonly frontier: readonly FrontierPoint[];
  /** null where nothing is remembered. */
  readonly memory: MemoryReport | null;
  /** How the judge judged, a round each; empty without one. */
  readonly judge: readonly ({ readonly round: number } & JudgeFigures)[];
  readonly health: Health;
  readonly basis: Basis;
  /** null: the base weights are still the incumbent. */
  readonly best: BestAdapter | null;
  /** What to do next, from what came out. */
  readonly advice: readonly Advice[];
  /** A task to try the result on. */
  readonly tryPrompt: string | null;
  /** All that would differ if the same run had been disturbed, or made on another machine. */
  readonly howItWent: HowItWent;
}

/** A round's failures, divided by task between two critique prompts. */
export interface TrialReport {
  readonly round: number;
  readonly own: TrialArm;
  readonly tried: TrialArm;
  /** Share of tasks with a right revision, tried - own, with a 95% interval. */
  readonly difference: Interval & { readonly difference: number };
  /** The text of one that a coach wrote; null for a file's. */
  readonly written: string | null;
}

/** Base and final weights on one suite. */
export interface SuiteReport {
  readonly suite: Suite;
  /** Of a retention suite, where the recipe names them. */
  readonly name?: string;
  readonly tasks: number;
  readonly base: OutcomeCounts;
  /** null: nothing is promoted yet, or the final weights have not answered this suite. */
  readonly comparison: FullComparison | null;
  /** Largest loss that the recipe allows, as a share of the tasks; null but for retention. */
  readonly margin: number | null;
}

export interface Advice {
  readonly text: string;
  readonly command: string | null;
  readonly because: string;
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
    /** What other settings than the recipe's it took, and why; null where there are none. */
    readonly eased: string | null;
  } | null;
  /** null while the round goes on. */
  readonly decision: {
    readonly outcome: DecisionOutcome;
    readonly reason: string;
    readonly gate: PairedComparison | null;
    readonly retention: PairedComparison | null;
    /** Each suite with its margin, where the recipe names them; `retention` and `margin` are then null. */
    readonly retentionSuites?: readonly SuiteRetained[];
    readonly level: number;
    /** What decided where the gate goes task by task. */
    readonly look?: Look;
    /** Largest loss on the retention suite that the recipe allows; null without one such suite. */
    readonly margin: number | null;
  } | null;
}

/** Tasks on which two models disagree; a few of each kind, chosen by the run's seed. */
export interface Changes {
  readonly suite: Suite;
  /** The models, in words: "the base weights", "the final weights", "round 2's candidate". */
  readonly before: string;
  readonly after: string;
  readonly gained: number;
  readonly lost: number;
  readonly better: readonly Change[];
  readonly worse: readonly Change[];
}

export interface Change {
  /** The retention suite that asked it, where the recipe names them. */
  readonly suite?: string;
  readonly task: string;
  readonly expected: string | null;
  readonly before: JudgedAnswer;
  readonly after: JudgedAnswer;
}

export interface JudgedAnswer {
  readonly answer: string;
  readonly outcome: Outcome;
  readonly finding: string;
}

/** The incumbent's adapter, and what it belongs to. */
export interface BestAdapter {
  readonly sha256: string;
  readonly round: number;
  /** Relative to the workspace; null where the weights are the base model's. */
  readonly ggufPath: string | null;
  readonly peftPath: string | null;
  /** sha256 of its GGUF file; null where the weights are the base model's. */
  readonly weights: string | null;
  /** Whether lessons or exemplars stand before each question. */
  readonly remembers: boolean;
  /** File name of the base weights; null for the default ones. */
  readonly baseName: string | null;
  readonly baseSha256: string;
}

/** What the incumbent remembers, and what each round's candidate would have changed. */
export interface MemoryReport {
  readonly lessons: readonly {
    readonly text: string;
    readonly evidence: readonly (LessonEvidence & { readonly task: string })[];
  }[];
  readonly exemplars: readonly RememberedExemplar[];
  readonly changes: readonly {
    readonly round: number;
    readonly added: readonly string[];
    readonly dropped: readonly string[];
    readonly tokens: number;
    /** Lessons that may not be remembered. */
    readonly refused: number;
  }[];
  /** Lessons that outlive the run; null where its recipe has none. */
  readonly longTerm: LongTermReport | null;
}

/** What a run was told of earlier runs, what came of it, and what it leaves to later ones. */
export interface LongTermReport {
  readonly family: string;
  readonly rounds: readonly {
    readonly round: number;
    /** In the order of the first tasks that they fitted. */
    readonly used: readonly LessonUse[];
    readonly happened: readonly {
      readonly kind: string;
      readonly text: string;
      readonly reason: string | null;
      /** How often in this round. */
      readonly count: number;
    }[];
  }[];
}

/** A lesson in a round: tasks whose teacher saw it, and tasks that it fitted and that did not see it. */
export interface LessonUse {
  readonly text: string;
  readonly shown: UseCount;
  readonly withheld: UseCount;
}

/** Tasks whose attempts could be graded, and the sum of their shares of right attempts. */
export interface UseCount {
  readonly tasks: number;
  readonly right: number;
}

/** Failures that went wrong in the same way, over the rounds. */
export interface ClusterReport {
  readonly id: string;
  readonly name: string;
  readonly outcome: FailedOutcome;
  /** What the verifier said, with placeholders; empty for what found no group. */
  readonly reason: string;
  /** By round, from the first with failures. */
  readonly sizes: readonly ClusterSize[];
  readonly example: {
    readonly task: string;
    readonly answer: string;
    readonly finding: string;
    /** As its critique named the first wrong step. */
    readonly step: string | null;
  };
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
  /** Who answered in which role, where that was not one embedded model. */
  readonly models: readonly { readonly roles: string; readonly description: string }[];
  /** sha256 of the incumbent's adapter; null is the base weights. */
  readonly incumbent: string | null;
  readonly prompts: readonly {
    readonly stage: string;
    readonly name: string;
    readonly hash: string;
  }[];
  readonly tasks: Readonly<Record<"train" | "gate" | "sealed" | "retention", number>>;
  /** Tasks of each retention suite, where the recipe names them. */
  readonly retentionSuites?: readonly { readonly name: string; readonly tasks: number }[];
  /** How often the gate compared a candidate with the incumbent on its suite. */
  readonly looks: number;
  readonly alpha: number;
  readonly gateTest: Recipe["gate"]["test"];
  /** The least level of a look; a sequential gate hands shares on that were not lost. */
  readonly levelPerLook: number;
  /** Requests that were given up since each ended the engine; their items are ungradable. */
  readonly quarantined: readonly { readonly round: number; readonly stage: string }[];
}

export interface HowItWent {
  readonly state: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** IANA name of the zone in which times are shown; the times themselves are UTC. */
  readonly timeZone: string;
  readonly timeline: readonly TimelineEntry[];
  /** Stops that were asked for. */
  readonly interruptions: number;
  /** Times that the run had to wait, by cause: `budget`, `window`, `disk`, … */
  readonly pauses: readonly Counted[];
  readonly failures: readonly string[];
  /** Ends without a word: a kill, a crash, a power cut. */
  readonly crashes: number;
  readonly resumes: number;
  /** Events of any other kind: retries, warnings, watchdogs, … */
  readonly others: readonly Counted[];
  readonly notifications: NotificationCounts;
  /** By round and stage. */
  readonly stages: readonly StageCost[];
  readonly spend: SpendReport;
  readonly rounds: readonly {
    readonly round: number;
    readonly seconds: number;
    readonly trainingSeconds: number | null;
  }[];
}

export interface Counted {
  readonly what: string;
  readonly count: number;
}

/** A line of the timeline; the text may hold what others wrote. */
export interface TimelineEntry {
  readonly at: string;
  readonly tone: "start" | "work" | "good" | "plain" | "notice" | "stop" | "fault" | "gap";
  readonly text: string;
  /** How often it happened in a row. */
  readonly times: number;
}

/** What a stage took in a round. Answers that were paid for by another run cost nothing. */
export interface StageCost extends StageSpend {
  /** null where the stage has not been finished. */
  readonly seconds: number | null;
}

/** What a round's candidate came to, and what it was made for. */
export interface FrontierPoint {
  readonly round: number;
  /** Right answers on the gate suite, a share. */
  readonly gate: number;
  /** The same on the retention suite; null without one, or with several. */
  readonly retention: number | null;
  /** Of several: right answers, and the share of its margin that the loss may take at worst (over 1: too much). */
  readonly retentionSuites?: readonly {
    readonly name: string;
    readonly right: number;
    readonly used: number;
  }[];
  /**
   * Prompt and answer tokens of all calls that the run paid for in this round, as budgets count them, its plan's as well. The
   * sealed suite's are nobody's: it is asked once, after the last round.
   */
  readonly tokens: number;
  /** Tokens that its candidate was trained on, each epoch's; 0 where there was no training. */
  readonly trained: number;
  readonly outcome: DecisionOutcome;
  /** No other round is at least as good in all four (each retention suite counts), and better in one. */
  readonly efficient: boolean;
}
