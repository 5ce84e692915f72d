import type { Evaluation, Outcome, Task } from "../core/entities.js";
import type { MonitorName, Reading } from "../core/health.js";
import type { Recipe } from "../core/recipe.js";
import type { RoundRows, Suite } from "../core/round.js";
import { commonAnswers } from "../stats/index.js";

/** What a monitor may look at: a decided round's rows, its tasks, and earlier readings. */
export interface HealthInput {
  readonly recipe: Pick<Recipe, "seed" | "health" | "curate">;
  readonly round: number;
  readonly tasks: { readonly train: readonly Task[]; readonly gate: readonly Task[] };
  /** sha256 of the incumbent that wrote the round's attempts; null: the base weights. */
  readonly incumbent: string | null;
  readonly rows: RoundRows;
  /** Each monitor's first reading in the run, where there is one. */
  readonly first: readonly Reading[];
  /**
   * By attempt: what the task's reference says of it, where a majority gave the verdict and a
   * reference exists all the same. Empty where references gave the verdicts.
   */
  readonly byReference: ReadonlyMap<string, Outcome>;
}

/** A value, what it is held against, and both in words. */
export interface Measure {
  readonly value: number;
  readonly baseline: number | null;
  readonly text: string;
}

export interface Monitor {
  readonly name: MonitorName;
  /** null where the rows hold nothing that it could read. */
  measure(input: HealthInput): Measure | null;
  /** The values at which it stays silent, both ends included. */
  healthy(baseline: number, threshold: number): readonly [low: number, high: number];
}

/** Fewer items than this say nothing of a model. */
export const fewest = 5;

export const atLeast = (baseline: number, threshold: number) =>
  [threshold * baseline, Number.POSITIVE_INFINITY] as const;

export const atMostAbove = (baseline: number, threshold: number) =>
  [Number.NEGATIVE_INFINITY, baseline + threshold] as const;

/** A monitor's first reading in the run: what "as it was at the beginning" means. */
export function firstReading({ first }: HealthInput, name: MonitorName): number | null {
  return first.find(({ monitor }) => monitor === name)?.value ?? null;
}

/** How a model (null: the base weights) answered a suite in this round; null where it did not. */
export function answersOf(
  { rows }: HealthInput,
  suite: Suite,
  adapter: string | null,
): readonly Evaluation[] | null {
  const found = rows.evaluations.find((each) => each.suite === suite && each.adapter === adapter);
  return found !== undefined && found.items.length >= fewest ? found.items : null;
}

/**
 * The gate answers of the candidate and of the base weights, to the tasks that both were asked: a
 * sequential gate may have stopped earlier for one of them. Null without a candidate.
 */
export function candidateAndBase(input: HealthInput) {
  const { candidate } = input.rows;
  const after = candidate && answersOf(input, "gate", candidate.sha256);
  const base = answersOf(input, "gate", null);
  if (!after || !base) return null;
  const [candidates, bases] = commonAnswers(after, base);
  return candidates.length < fewest ? null : { candidate: candidates, base: bases };
}

/** The references of these tasks, one each; null where one has none, since a part may be unlike the whole. */
export function referencesOf(
  tasks: readonly Task[],
  ids: readonly string[],
): readonly string[] | null {
  const known = new Map(tasks.map((task) => [task.id, task.reference]));
  const found = ids.map((id) => known.get(id) ?? null);
  return found.includes(null) ? null : (found as string[]);
}

/** 0.455 → "45.5%". */
export const percent = (share: number) => `${(share * 100).toFixed(1)}%`;
