import type { KnownCluster } from "../core/cluster.js";
import type {
  Candidate,
  DecisionOutcome,
  Example,
  Message,
  Split,
  Task,
  TokenLogprob,
} from "../core/entities.js";
import type { DistilledLesson } from "../core/memory.js";
import type { Complete, Remember, TrainingJob, TrainingResult, Verify } from "../core/ports.js";
import type { Prompt } from "../core/prompt.js";
import type { Recipe } from "../core/recipe.js";
import type { RoundRows, StageSummary } from "../core/round.js";

/** What a stage may know: the recipe, the tasks, and what the round has so far. */
export interface StageInput {
  readonly recipe: Recipe;
  readonly round: number;
  /** null: the base weights. */
  readonly incumbent: Candidate | null;
  readonly candidate: Candidate | null;
  readonly tasks: TaskSets;
  readonly prompts: StagePrompts;
  readonly rows: RoundRows;
  /** Training tasks that the round's plan takes up, in their order; null where the recipe says which. */
  readonly plannedTasks: readonly string[] | null;
  /** The training set of the last round that had one, in its order. */
  readonly earlierExamples: readonly Example[];
  /** What earlier rounds made of their critiques, oldest first; empty where the recipe has no memory. */
  readonly earlierLessons: readonly DistilledLesson[];
  /** Failures of earlier rounds as they were grouped, oldest first; empty where they are not. */
  readonly earlierClusters: readonly KnownCluster[];
  /** What became of the gate's looks in the rounds before; empty where the level does not depend on it. */
  readonly earlierLooks: readonly DecisionOutcome[];
}

/** The tasks of a run by their use; `replay` and `retention` are empty where the recipe has none. */
export type TaskSets = Readonly<Record<Split, readonly Task[]>>;

export interface StagePrompts {
  readonly student: Prompt;
  readonly critique: Prompt | null;
  /** Half of the failed tasks are criticised with this one; null where none is tried. */
  readonly trial: Prompt | null;
  readonly refine: Prompt | null;
  /** How lessons stand before a question, and how a critique becomes one; null without a memory. */
  readonly memory: Prompt | null;
  readonly distil: Prompt | null;
  /** What the teacher of `sdpo` is shown; null with other methods. */
  readonly solution: Prompt | null;
  readonly feedback: Prompt | null;
  /** Asks for the name of a group of failures; null where none is asked for. */
  readonly cluster: Prompt | null;
  /** Asks which of two answers is better. */
  readonly judge: Prompt | null;
  /** Asks for an answer's grade. */
  readonly rubric: Prompt | null;
  /** Asks for a verdict again that could not be read; there with either of the two. */
  readonly repair: Prompt | null;
}

/** What a stage may do. */
export interface StagePorts {
  readonly complete: Complete;
  readonly verify: Verify;
  train(job: TrainingJob): Promise<TrainingResult>;
  readonly remember: Remember;
  render(messages: readonly Message[]): string;
  /** The length of each text, in tokens. */
  countTokens(texts: readonly string[]): Promise<number[]>;
  /** Probabilities that came with the answer to a call; null where it was not asked for any. */
  logprobs(callKey: string): readonly TokenLogprob[] | null;
  readonly modelDigest: string;
  /** Whether the model that `complete` asks holds its answers to a schema. */
  readonly holdsSchema: boolean;
}

export interface StageOutput {
  readonly rows: Partial<RoundRows>;
  readonly summary: StageSummary;
}

export type Stage = (input: StageInput, ports: StagePorts) => Promise<StageOutput>;
