import {
  bootstrapByTask,
  discordantOdds,
  equivalence,
  exactMcNemar,
  type Interval,
  mean,
  pairDifferences,
  pairedCohensD,
  pairedDominance,
  type Score,
  tango,
} from "../../stats/index.js";
import { type SuiteAnswers, scoresOf, sharedSeeds, sharedTasks } from "./answers.js";
import { type ClaimedEstimate, differenceOf } from "./estimate.js";
import { detectable } from "./power.js";

/** Tasks that only the one arm got right, and only the other. */
export interface Discordant {
  readonly gained: number;
  readonly lost: number;
  /** Exact McNemar test, two-sided. */
  readonly p: number;
}

/** An arm less another, paired by task and seed. */
export interface Contrast {
  readonly tasks: number;
  /** Tasks that not all of the runs compared have answered. */
  readonly leftOut: number;
  /** Those that both arms have. */
  readonly seeds: readonly number[];
  readonly estimate: ClaimedEstimate;
  /** BCa, tasks drawn whole: new tasks and these very trainings. Null but for primary comparisons. */
  readonly bootstrap: Interval | null;
  /** One verdict a task: right with more than half of the seeds. */
  readonly majority: Discordant;
  /** Each training by itself; these are not independent of one another. */
  readonly perSeed: readonly (Discordant & { readonly seed: number })[];
  readonly cohensD: number | null;
  /** Of the majority's verdicts; `odds` and `high` are null where they are infinite. */
  readonly odds: {
    readonly odds: number | null;
    readonly low: number;
    readonly high: number | null;
  } | null;
  readonly dominance: number;
  /** p of "they differ by the margin or more"; null without a margin. */
  readonly pEquivalent: number | null;
  /** The smallest difference that a study of this size and spread finds in 80% of cases. */
  readonly detectable: number | null;
}

export interface ContrastSettings {
  readonly confidence: number;
  readonly margin: number;
  /** How many comparisons share the level. */
  readonly comparisons: number;
  /** Of the bootstrap's draws; null for none. */
  readonly bootstrapSeed: number | null;
}

/** @returns null where they have no seed or fewer than two tasks in common. */
export function contrast(
  baseline: SuiteAnswers,
  candidate: SuiteAnswers,
  settings: ContrastSettings,
): Contrast | null {
  const seeds = sharedSeeds([candidate, baseline]);
  const { tasks, leftOut } = sharedTasks([candidate, baseline], seeds);
  if (seeds.length === 0 || tasks.length < 2) return null;
  const { confidence, margin, comparisons, bootstrapSeed } = settings;
  const flat = (answers: SuiteAnswers): Score[] =>
    scoresOf(answers, tasks, seeds).flatMap((row, t) =>
      row.map((score, s) => ({ taskId: tasks[t]!, seed: seeds[s]!, score })),
    );
  const { values } = pairDifferences(flat(baseline), flat(candidate));
  const perTask = values.map((row) => mean(row)!);
  const estimate = differenceOf(values, confidence);
  const votes = majority(scoresOf(baseline, tasks, seeds), scoresOf(candidate, tasks, seeds));
  const odds = discordantOdds(votes.gained, votes.lost, confidence);
  return {
    tasks: tasks.length,
    leftOut,
    seeds,
    estimate,
    bootstrap:
      bootstrapSeed === null
        ? null
        : bootstrapByTask(perTask, (drawn) => mean(drawn)!, { confidence, seed: bootstrapSeed }),
    majority: votes,
    perSeed: seeds.map((seed, s) => ({ seed, ...discordant(values.map((row) => row[s]!)) })),
    cohensD: pairedCohensD(perTask),
    odds: odds && { odds: finite(odds.odds), low: odds.low, high: finite(odds.high) },
    dominance: pairedDominance(perTask)!,
    pEquivalent: margin > 0 ? pEquivalent(estimate, margin, tasks.length) : null,
    detectable: detectable({
      tasks: tasks.length,
      seeds: seeds.length,
      components: estimate.components ?? singleSeed(estimate, tasks.length),
      alpha: 1 - confidence,
      comparisons,
    }),
  };
}

/** Right is what more than half of an arm's trainings got right; a tie is not. */
function majority(
  baseline: readonly (readonly number[])[],
  candidate: readonly (readonly number[])[],
): Discordant {
  const vote = (row: readonly number[]) => (mean(row)! > 0.5 ? 1 : 0);
  return discordant(candidate.map((row, t) => vote(row) - vote(baseline[t]!)));
}

function discordant(differences: readonly number[]): Discordant {
  const gained = differences.filter((value) => value > 0).length;
  const lost = differences.filter((value) => value < 0).length;
  return { gained, lost, p: exactMcNemar(gained, lost).different };
}

/**
 * Where nothing varied, two one-sided t-tests would be sure with two tasks. The level at which Tango's
 * interval of confidence 1 - 2 level reaches the margin is found by bisection instead.
 */
function pEquivalent(estimate: ClaimedEstimate, margin: number, tasks: number): number {
  if (!estimate.constant) return equivalence(estimate, margin).p;
  if (estimate.difference !== 0) return 1;
  let [low, high] = [0, 0.5];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (tango(0, 0, tasks, 1 - 2 * middle).high > margin) low = middle;
    else high = middle;
  }
  return high;
}

/** Task and residual cannot be told apart with one seed; together they are the spread of the tasks. */
function singleSeed({ standardError }: ClaimedEstimate, tasks: number) {
  return { task: standardError ** 2 * tasks, seed: 0, residual: 0 };
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);
