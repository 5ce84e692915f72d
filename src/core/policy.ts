import { z } from "zod";
import { promptName } from "./prompt.js";

/**
 * What a policy may set for one round, and nothing else: neither the gate, the suites, the student's question, budgets nor
 * models are here, so that no plan can reach them.
 */
export const levers = [
  "elicit.tasksPerRound",
  "generate.attempts",
  "generate.temperature",
  /** Whether wrong attempts are criticised at all, where the recipe has a critique. */
  "critique",
  /** One of the recipe's own and `policy.critiquePrompts`; only a coach moves it. */
  "critique.prompt",
  /** Another prompt that half of the failures are criticised with; only a coach moves it, for one round. */
  "critique.trial",
  "refine.tries",
  "curate.maximum",
  "curate.replay.ratio",
  "retrain.from",
  "retrain.epochs",
  "retrain.rank",
  "retrain.learningRate",
] as const;

export type Lever = (typeof levers)[number];
export type LeverValue = number | string | boolean;
export type LeverSettings = Readonly<Partial<Record<Lever, LeverValue>>>;

const range = z
  .strictObject({ least: z.number().min(0), most: z.number().min(0) })
  .refine(({ least, most }) => least <= most, "least is more than most");

const bounded = {
  /** How far a lever with a number may be moved; by default from half to twice what the recipe has. */
  limits: z.partialRecord(z.enum(levers), range).default({}),
  /** Prompts of prompts/critique/ that a coach may try, or take in place of the recipe's for a round; no rule does. */
  critiquePrompts: z.array(promptName).default([]),
  margins: z
    .strictObject({
      /** By how much more than the recipe's own round a planned one may be expected to cost, as a share: 1 is twice. */
      cost: z.number().min(0).max(1000).default(1),
    })
    .prefault({}),
  /** Training tasks that are never learned from: what is learned by heart is seen there. */
  validation: z.number().int().min(0).max(10_000).default(24),
};

/** Who decides what the next round does. */
export const policySchema = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("fixed") }),
    z.strictObject({ kind: z.literal("adaptive"), ...bounded }),
    z.strictObject({
      kind: z.literal("coach"),
      ...bounded,
      /** prompts/coach/<name>.md */
      prompt: promptName.default("researcher"),
      /** Longest single answer of the coach. */
      maxTokens: z.number().int().min(16).max(16_384).default(512),
      /** Turns in which it may use tools, at most. */
      turns: z.number().int().min(1).max(64).default(6),
      /** After so many seconds the rules decide. */
      patienceSeconds: z.number().min(1).max(86_400).default(600),
    }),
  ])
  .default({ kind: "fixed" });

export type PolicySettings = z.infer<typeof policySchema>;

/** One thing that a policy decided, with what it saw and why. */
export interface PolicyDecision {
  /** The rule's name, or `coach`. */
  readonly rule: string;
  /** `plan`: who made it, or that nothing is changed. */
  readonly what: Lever | "tasks" | "stop" | "lesson" | "plan";
  readonly from: LeverValue | null;
  /** null too for a lesson that the memory did not keep. */
  readonly to: LeverValue | null;
  /** One sentence, with the figures that it rests on. */
  readonly because: string;
  readonly saw: Readonly<Record<string, LeverValue | null>>;
}

/** A critique prompt that a coach wrote, as a file: it becomes one of the run's prompts with the plan that tries it. */
export interface CritiqueVariant {
  readonly name: string;
  readonly version: string;
  readonly hash: string;
  readonly body: string;
}

/** What the next round is going to do. It is a row before it acts. */
export interface Plan {
  readonly round: number;
  readonly author: "adaptive" | "coach";
  /** Only what differs from the recipe. */
  readonly settings: LeverSettings;
  /** Training tasks to take up, in their order; null: as the recipe says. */
  readonly tasks: readonly string[] | null;
  readonly decisions: readonly PolicyDecision[];
  /** Why no further round is worth its cost; null where one is. */
  readonly stop: string | null;
  /** Why the coach's proposal was not taken, so that the rules decided; null where nothing went wrong. */
  readonly fallback: string | null;
  /** Absent where no prompt was written; not kept in the plan's row. */
  readonly variant?: CritiqueVariant;
}

/** A training task and how the teacher's attempts at it went. */
export interface TaskSeen {
  readonly id: string;
  /** Of failures, by `core/cluster.ts`; null where it never failed. */
  readonly cluster: string | null;
  /**
   * Of one that was never tried: the cluster of the tasks whose prompts are most like its own; null where they never failed,
   * absent where none is like it.
   */
  readonly near?: string | null;
  /** By round, oldest first; of the rounds that are seen alone. */
  readonly tries: readonly {
    readonly round: number;
    readonly right: number;
    readonly attempts: number;
  }[];
}

/** What a round's candidate kept of a retention suite, in counts. */
export interface RetentionSeen {
  /** Its name, where the recipe gives one. */
  readonly suite?: string;
  readonly tasks: number;
  readonly baseline: number;
  readonly candidate: number;
  /** The loss that the interval reaches, and the margin, as shares. */
  readonly worst: number;
  readonly margin: number;
}

/** One of two prompts that a round's failures were divided between, by task. */
export interface TrialArm {
  readonly prompt: string;
  /** Tasks that were criticised by it and revised, and those of them with a right revision. */
  readonly asked: number;
  readonly fixed: number;
  /** Of its critiques and revisions. */
  readonly tokens: number;
}

/** What a finished round did and what came of it. Of the suites there are counts, never a task. */
export interface RoundSeen {
  readonly number: number;
  /** Every lever as it was in this round. */
  readonly settings: LeverSettings;
  readonly tasks: number;
  readonly attempts: number;
  readonly right: number;
  /** Tasks with at least one right attempt. */
  readonly solved: number;
  readonly ungradable: number;
  /** Share of attempts of a task that differ from each other, mean over tasks, 0 to 1. */
  readonly diversity: number | null;
  /** null where nothing was revised. */
  readonly revisions: {
    readonly asked: number;
    readonly fixed: number;
    readonly tokens: number;
  } | null;
  /** Where another critique prompt was tried beside the round's own; null, or absent in rounds of older releases, where none was. */
  readonly trial?: { readonly own: TrialArm; readonly tried: TrialArm } | null;
  /** From `examine`: what revisions made of attempts that were right, and of wrong ones; null without it. */
  readonly examined: {
    readonly wrong: number;
    readonly fixed: number;
    readonly right: number;
    readonly broken: number;
  } | null;
  readonly examples: number;
  /** Of these, those of earlier rounds; absent where an older release saw it. */
  readonly carriedOver?: number;
  readonly loss: number | null;
  /** Right answers of the candidate to tasks that it learned from and to such as it did not. */
  readonly validation: {
    readonly learned: { readonly right: number; readonly tasks: number };
    readonly unseen: { readonly right: number; readonly tasks: number };
  } | null;
  readonly gate: {
    readonly tasks: number;
    readonly baseline: number;
    readonly candidate: number;
  } | null;
  /** With several suites the one that is nearest to its margin, or furthest beyond it: all hold if it does. */
  readonly retention: RetentionSeen | null;
  /** Each of them, in the recipe's order; absent where there is one. */
  readonly retentionSuites?: readonly RetentionSeen[];
  readonly outcome: "promoted" | "rejected" | "skipped";
  readonly reason: string;
  /** Of attempts, critiques and revisions, whoever paid for them: what yields are counted by. Budgets are charged for more. */
  readonly tokens: number;
  /** Tokens that its candidate was trained on, each epoch's; absent where an older release saw it. */
  readonly trained?: number;
  readonly seconds: number;
}

/** A group of failures as a policy sees it. */
export interface ClusterSeen {
  readonly id: string;
  readonly name: string;
  readonly state: "born" | "growing" | "steady" | "shrinking" | "gone" | "relapsed";
  /** Failed attempts by round, oldest first. */
  readonly sizes: readonly { readonly round: number; readonly failures: number }[];
}

/** All that a policy is told before a round. */
export interface Observation {
  /** The round to plan. */
  readonly round: number;
  readonly seed: number;
  /** Every lever as the recipe has it; a lever that it lacks (no critique, no replay) is absent. */
  readonly recipe: LeverSettings;
  readonly limits: Readonly<
    Partial<Record<Lever, { readonly least: number; readonly most: number }>>
  >;
  /** What a plan may trade (core/cost.ts); absent where an older release saw it. */
  readonly margins?: { readonly cost: number };
  /** The recipe's own first, then those that a plan may take in its place, a coach's own among them. */
  readonly critiquePrompts: readonly string[];
  readonly rounds: readonly RoundSeen[];
  /** The rank that the incumbent's adapter was trained with, however long ago; null where it has none. */
  readonly incumbentRank: number | null;
  /** Training tasks that may be learned from: neither exemplars nor validation. */
  readonly tasks: readonly TaskSeen[];
  readonly clusters: readonly ClusterSeen[];
  /** What was left of budgets when the round was first looked at, by kind; absent kinds have no limit. */
  readonly budgetLeft: Readonly<Record<string, number>>;
  readonly roundsLeft: number;
  /** What is remembered of such tasks. */
  readonly lessons: readonly string[];
}
