import { RedistillError } from "../core/errors.js";

/** What one trained model got on one task: 1 right, 0 not, or a share of several attempts. */
export interface Score {
  readonly taskId: string;
  /** Which training of the arm answered. */
  readonly seed: number;
  readonly score: number;
}

/** candidate - baseline for each task (a row) and seed (a column). */
export interface PairedDifferences {
  readonly tasks: readonly string[];
  readonly seeds: readonly number[];
  readonly values: readonly (readonly number[])[];
}

/**
 * Pairs two arms by task and seed. Every task must be answered once for every seed by both, or a
 * task that one arm failed to answer would leave the figure.
 *
 * @throws RedistillError "usage" naming the first task and seed that do not pair.
 */
export function pairDifferences(
  baseline: readonly Score[],
  candidate: readonly Score[],
): PairedDifferences {
  const before = byTaskAndSeed(baseline, "the baseline");
  const after = byTaskAndSeed(candidate, "the candidate");
  const everything = [...baseline, ...candidate];
  const tasks = [...new Set(everything.map(({ taskId }) => taskId))].sort();
  const seeds = [...new Set(everything.map(({ seed }) => seed))].sort((a, b) => a - b);
  const scoreOf = (scores: ReadonlyMap<string, number>, arm: string, task: string, seed: number) =>
    scores.get(keyOf(task, seed)) ?? unpaired(`${arm} has no answer to it`, task, seed);
  return {
    tasks,
    seeds,
    values: tasks.map((task) =>
      seeds.map(
        (seed) =>
          scoreOf(after, "the candidate", task, seed) - scoreOf(before, "the baseline", task, seed),
      ),
    ),
  };
}

function byTaskAndSeed(scores: readonly Score[], arm: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const { taskId, seed, score } of scores) {
    const key = keyOf(taskId, seed);
    if (found.has(key)) unpaired(`${arm} has two answers to it`, taskId, seed);
    if (!(score >= 0 && score <= 1))
      unpaired(`${arm}'s score ${score} is not in 0 to 1`, taskId, seed);
    found.set(key, score);
  }
  return found;
}

const keyOf = (taskId: string, seed: number) => JSON.stringify([taskId, seed]);

function unpaired(why: string, task: string, seed: number): never {
  throw new RedistillError(
    "usage",
    `a paired comparison of arms: task ${task}, seed ${seed}: ${why}`,
    "Compare arms only where both answered every task with every seed, once.",
  );
}
