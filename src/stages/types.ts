import type { Adapter, Example, Message, Split, Task, TokenLogprob } from "../core/entities.js";
import type { Complete, TrainingJob, TrainingResult, Verify } from "../core/ports.js";
import type { Prompt } from "../core/prompt.js";
import type { Recipe } from "../core/recipe.js";
import type { RoundRows, StageSummary } from "../core/round.js";

/** What a stage may know: the recipe, the tasks, and what the round has so far. */
export interface StageInput {
  readonly recipe: Recipe;
  readonly round: number;
  /** null: the base weights. */
  readonly incumbent: Adapter | null;
  readonly candidate: Adapter | null;
  readonly tasks: TaskSets;
  readonly prompts: StagePrompts;
  readonly rows: RoundRows;
  /** The training set of the last round that had one, in its order. */
  readonly earlierExamples: readonly Example[];
}

/** The tasks of a run by their use; `replay` and `retention` are empty where the recipe has none. */
export type TaskSets = Readonly<Record<Split, readonly Task[]>>;

export interface StagePrompts {
  readonly student: Prompt;
  readonly critique: Prompt | null;
  readonly refine: Prompt | null;
  /** What the teacher of `sdpo` is shown; null with other methods. */
  readonly solution: Prompt | null;
  readonly feedback: Prompt | null;
}

/** What a stage may do. */
export interface StagePorts {
  readonly complete: Complete;
  readonly verify: Verify;
  train(job: TrainingJob): Promise<TrainingResult>;
  render(messages: readonly Message[]): string;
  /** Probabilities that came with the answer to a call; null where it was not asked for any. */
  logprobs(callKey: string): readonly TokenLogprob[] | null;
  readonly modelDigest: string;
}

export interface StageOutput {
  readonly rows: Partial<RoundRows>;
  readonly summary: StageSummary;
}

export type Stage = (input: StageInput, ports: StagePorts) => Promise<StageOutput>;
