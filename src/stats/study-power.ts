import { RedistillError } from "../core/errors.js";
import { type VarianceComponents, varianceOfMean } from "./mixed.js";
import { noncentralTail, studentCritical } from "./student.js";

export interface StudyPlan {
  readonly tasks: number;
  readonly seeds: number;
  /** From an earlier study, or {@link expectedComponents}. */
  readonly components: VarianceComponents;
  /** Two-sided, over all comparisons; 0.05 where nothing else is said. */
  readonly alpha?: number;
  /** Comparisons that share alpha; planned as Bonferroni's, which Holm's first step is. */
  readonly comparisons?: number;
}

/** What one may expect of verdicts before anything was run. */
export interface Expectation {
  /** Share of tasks on which two arms differ. The gate's decisions of earlier runs tell it. */
  readonly discordant: number;
  /** Of one task's differences with two seeds; 0 where only luck differs, 1 where seeds change nothing. */
  readonly correlation: number;
  /** Standard deviation of a whole training's gain over seeds, as a share: 0.02 is two points. */
  readonly seedDeviation: number;
}

/**
 * Variances to plan with. A difference is -1, 0 or 1, so its variance is `discordant` less the squared
 * mean; the mean is left out, which errs towards a larger study.
 */
export function expectedComponents(expected: Expectation): VarianceComponents {
  const { discordant, correlation, seedDeviation } = expected;
  const seed = seedDeviation ** 2;
  const within = Math.max(0, discordant - seed);
  return { task: correlation * within, seed, residual: (1 - correlation) * within };
}

/**
 * The chance that `mixedDifference` finds a difference: the two-sided t-test of its model, with the
 * variance and the degrees of freedom that the plan leads one to expect. With one seed the
 * seeds' variance is not in it: the claim is then about these weights alone.
 */
export function studyPower(plan: StudyPlan, difference: number): number {
  const { standardError, degrees } = precision(plan);
  const critical = criticalOf(plan, degrees);
  const shift = Math.abs(difference) / standardError;
  return noncentralTail(critical, degrees, shift) + noncentralTail(critical, degrees, -shift);
}

/**
 * The smallest difference that a study finds with the chance `power`, as a share: "with 200 tasks and 3
 * seeds you can see 6 points".
 */
export function detectableStudyDifference(plan: StudyPlan, power = 0.8): number {
  let [low, high] = [0, precision(plan).standardError];
  while (studyPower(plan, high) < power) high *= 2;
  while (high - low > 1e-6 * high) {
    const middle = (low + high) / 2;
    if (studyPower(plan, middle) < power) low = middle;
    else high = middle;
  }
  return high;
}

function precision({ tasks, seeds, components }: StudyPlan) {
  if (!Number.isInteger(tasks) || !Number.isInteger(seeds) || tasks < 2 || seeds < 1) {
    throw new RedistillError(
      "usage",
      `a study of ${tasks} tasks and ${seeds} seeds`,
      "Plan at least two tasks and one seed.",
    );
  }
  const { task, seed, residual } = components;
  if (seeds === 1) {
    return { standardError: Math.sqrt((task + residual) / tasks), degrees: tasks - 1 };
  }
  const expected = { task: residual + seeds * task, seed: residual + tasks * seed, residual };
  const { variance, degrees } = varianceOfMean(expected, tasks, seeds);
  return { standardError: Math.sqrt(variance), degrees };
}

function criticalOf({ alpha = 0.05, comparisons = 1 }: StudyPlan, degrees: number): number {
  return studentCritical(alpha / comparisons / 2, degrees);
}
