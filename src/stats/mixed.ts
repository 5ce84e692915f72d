import { RedistillError } from "../core/errors.js";
import { mean } from "./averages.js";
import { studentCritical, studentTail } from "./student.js";

/** A mean difference with what it takes to test it by Student's t. */
export interface Estimate {
  /** candidate - baseline, as a share. */
  readonly difference: number;
  readonly standardError: number;
  readonly degrees: number;
}

/** An estimate with its interval. */
export interface TestedEstimate extends Estimate {
  readonly low: number;
  readonly high: number;
  /** Two-sided, of no difference. */
  readonly p: number;
}

/** Variances (not deviations) of one task's difference with one seed. */
export interface VarianceComponents {
  /** How much the gain itself differs from task to task. */
  readonly task: number;
  /** How much a whole training's gain differs from seed to seed. */
  readonly seed: number;
  /** The rest: luck on one task with one seed. */
  readonly residual: number;
}

export interface MixedDifference {
  readonly tasks: number;
  readonly seeds: number;
  readonly confidence: number;
  /** For new tasks and a new training: the claim about a method. Null with one seed. */
  readonly method: (TestedEstimate & { readonly components: VarianceComponents }) | null;
  /** For new tasks and these very trainings: the claim about these weights. */
  readonly weights: TestedEstimate;
}

/**
 * The mean of paired differences over tasks and seeds, under the crossed random effects model
 *
 *   d(t, s) = δ + task(t) + seed(s) + residual(t, s),
 *
 * all three with mean 0 and variances of their own: tasks are a sample of what could be asked,
 * seeds a sample of how training could have gone. To treat seeds as fixed, or their answers as
 * independent ones, would call luck in training an effect (Clark 1973, "The language-as-fixed-effect
 * fallacy"; Bouthillier et al. 2021, "Accounting for Variance in Machine Learning Benchmarks").
 *
 * With T tasks, S seeds and the mean squares MT, MS, ME of the two-way layout, the variances are
 * (MT - ME)/S, (MS - ME)/T and ME (Searle, Casella and McCulloch 1992, ch. 4; equal to REML where none
 * is negative), and δ's is (MT + MS - ME)/TS with Satterthwaite's (1946) degrees of freedom
 *
 *   (MT + MS - ME)² / (MT²/(T-1) + MS²/(S-1) + ME²/((T-1)(S-1))).
 *
 * A negative variance is set to 0 and its effect left out of the model. Three seeds leave about two
 * degrees of freedom where seeds differ much: the interval is then wide, and that is the truth.
 * Where nothing varies the standard error is 0, which says no more than that nothing varied.
 *
 * @param values `pairDifferences(…).values`: a row for each task (at least 2), a column for each seed.
 */
export function mixedDifference(
  values: readonly (readonly number[])[],
  confidence: number,
): MixedDifference {
  const { tasks, seeds, grand, squares } = meanSquares(values);
  const cells = tasks * seeds;
  const weights = { difference: grand, degrees: tasks - 1 };
  const result = {
    tasks,
    seeds,
    confidence,
    weights: tested({ ...weights, standardError: Math.sqrt(squares.task / cells) }, confidence),
  };
  if (seeds === 1) return { ...result, method: null };
  const { task, seed, residual } = squares;
  const components = {
    task: Math.max(0, (task - residual) / seeds),
    seed: Math.max(0, (seed - residual) / tasks),
    residual,
  };
  const { variance, degrees } = varianceOfMean(squares, tasks, seeds);
  const estimate = { difference: grand, standardError: Math.sqrt(variance), degrees };
  return { ...result, method: { ...tested(estimate, confidence), components } };
}

/** Mean squares of a two-way layout, or what they are expected to be. */
export interface MeanSquares {
  readonly task: number;
  readonly seed: number;
  readonly residual: number;
}

/** The variance of the mean difference and its degrees of freedom; see {@link mixedDifference}. */
export function varianceOfMean(
  { task, seed, residual }: MeanSquares,
  tasks: number,
  seeds: number,
): { variance: number; degrees: number } {
  const cells = tasks * seeds;
  const inTask = task > residual;
  const inSeed = seed > residual;
  if (inTask && !inSeed) return { variance: task / cells, degrees: tasks - 1 };
  if (inSeed && !inTask) return { variance: seed / cells, degrees: seeds - 1 };
  const residualDegrees = (tasks - 1) * (seeds - 1);
  if (!inTask && !inSeed) return { variance: residual / cells, degrees: residualDegrees };
  const sum = task + seed - residual;
  const spread =
    task ** 2 / (tasks - 1) + seed ** 2 / (seeds - 1) + residual ** 2 / residualDegrees;
  return { variance: sum / cells, degrees: sum ** 2 / spread };
}

/** Interval and p-value of an estimate, by Student's t. */
export function tested(estimate: Estimate, confidence: number): TestedEstimate {
  const { difference, standardError, degrees } = estimate;
  const reach = standardError * studentCritical((1 - confidence) / 2, degrees);
  const t = Math.abs(difference) / standardError;
  // Where nothing varied: no difference at all, or one without any spread.
  const p = standardError > 0 ? 2 * studentTail(t, degrees) : difference === 0 ? 1 : 0;
  return { ...estimate, low: difference - reach, high: difference + reach, p };
}

function meanSquares(values: readonly (readonly number[])[]) {
  const tasks = values.length;
  const seeds = values[0]?.length ?? 0;
  if (tasks < 2 || seeds < 1 || values.some((row) => row.length !== seeds)) {
    throw new RedistillError(
      "usage",
      `a mixed view of ${tasks} tasks and ${seeds} seeds: it needs two tasks and as many seeds for each`,
      "Evaluate every arm on the same tasks with the same seeds.",
    );
  }
  const perTask = values.map((row) => mean(row)!);
  const perSeed = values[0]!.map((_, s) => mean(values.map((row) => row[s]!))!);
  const grand = mean(perTask)!;
  const square = (sum: number, value: number) => sum + (value - grand) ** 2;
  let residual = 0;
  for (const [t, row] of values.entries()) {
    for (const [s, value] of row.entries()) {
      residual += (value - perTask[t]! - perSeed[s]! + grand) ** 2;
    }
  }
  const squares: MeanSquares = {
    task: (seeds * perTask.reduce(square, 0)) / (tasks - 1),
    seed: seeds === 1 ? 0 : (tasks * perSeed.reduce(square, 0)) / (seeds - 1),
    residual: seeds === 1 ? 0 : residual / ((tasks - 1) * (seeds - 1)),
  };
  return { tasks, seeds, grand, squares };
}
