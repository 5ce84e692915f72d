import type { StudySpec } from "../../core/study.js";
import {
  detectableStudyDifference,
  expectedComponents,
  mean,
  type StudyPlan,
  studyPower,
  type VarianceComponents,
} from "../../stats/index.js";

export interface StudyPower {
  readonly tasks: number;
  readonly seeds: number;
  /** Comparisons that share alpha. */
  readonly comparisons: number;
  /** What was expected before anything was run. */
  readonly planned: PowerView;
  /** The same with the variances that the comparisons found, on average; null before any was made. */
  readonly found: PowerView | null;
}

export interface PowerView {
  readonly components: VarianceComponents;
  /** Smallest difference found in 80% of cases; null where there is no spread to plan with. */
  readonly detectable: number | null;
  /** The chance to find a difference as large as the margin; null without a margin. */
  readonly atMargin: number | null;
}

/** What the study could see, as it was planned and as it turned out. */
export function powerOf(
  { seeds, alpha, margin, expect }: StudySpec,
  tasks: number,
  comparisons: number,
  found: readonly VarianceComponents[],
): StudyPower {
  const view = (components: VarianceComponents): PowerView => {
    const plan = { tasks, seeds: seeds.length, components, alpha, comparisons };
    const possible = plannable(plan);
    return {
      components,
      detectable: detectable(plan),
      atMargin: possible && margin > 0 ? studyPower(plan, margin) : null,
    };
  };
  const average = (of: keyof VarianceComponents) => mean(found.map((each) => each[of]))!;
  return {
    tasks,
    seeds: seeds.length,
    comparisons,
    planned: view(expectedComponents(expect)),
    found:
      found.length === 0
        ? null
        : view({ task: average("task"), seed: average("seed"), residual: average("residual") }),
  };
}

/** The smallest difference found in 80% of cases; null without any spread, or with too little to plan. */
export function detectable(plan: StudyPlan): number | null {
  return plannable(plan) ? detectableStudyDifference(plan) : null;
}

function plannable({ tasks, seeds, components, comparisons = 1 }: StudyPlan): boolean {
  const { task, seed, residual } = components;
  return tasks >= 2 && seeds >= 1 && comparisons >= 1 && task + seed + residual > 0;
}
