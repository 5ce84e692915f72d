import type { Recipe } from "../core/recipe.js";
import type { Arm, StudySpec } from "../core/study.js";
import { detectableStudyDifference, expectedComponents } from "../stats/index.js";

/** Calls of one run of one round, at most: tasks that are solved have neither critique nor revision. */
export interface PlannedCalls {
  readonly drafts: number;
  readonly reworked: number;
  /** Critiques that are tried by themselves, and the revisions after them. */
  readonly examined: number;
  /** Of the base weights on both suites. */
  readonly base: number;
  /** Of the candidate on both suites, and on the sealed one if it is promoted. */
  readonly candidate: number;
  /** Answers of the base weights to rehearse. */
  readonly rehearsal: number;
}

/** @param retention Tasks of the retention suite. */
export function plannedCalls(recipe: Recipe, retention: number): PlannedCalls {
  const { tasks, elicit, generate, critique, refine, examine, curate } = recipe;
  const perRound =
    elicit.tasksPerRound > 0 ? Math.min(elicit.tasksPerRound, tasks.train) : tasks.train;
  const critiques = critique === null ? 0 : perRound * critique.perTask;
  const tries = refine === null ? 0 : refine.tries * (critique === null ? perRound : critiques);
  const answers = examine === null ? 0 : examine.right + examine.wrong + examine.planted;
  return {
    drafts: perRound * generate.attempts,
    reworked: critiques + tries,
    examined: ((critique === null ? 0 : 1) + (refine === null ? 0 : 1)) * answers,
    base: tasks.gate + retention + tasks.sealed,
    candidate: tasks.gate + retention + tasks.sealed,
    rehearsal: Math.ceil((curate.replay?.ratio ?? 0) * perRound * curate.perTask),
  };
}

export interface StudyPlanned {
  /** At most, if each run were alone. */
  readonly alone: number;
  /** At most, where runs share what is the same. */
  readonly shared: number;
}

/** One run of a study, with what its shareable calls depend on: runs with the same text share them. */
export interface PlannedRun {
  readonly calls: PlannedCalls;
  readonly rounds: number;
  readonly drafts: string;
  readonly base: string;
}

/** Calls of a whole study. Drafts, rehearsals and the base weights' answers are paid for once where they are asked for alike. */
export function plannedStudy(runs: readonly PlannedRun[]): StudyPlanned {
  const own = ({ calls, rounds }: PlannedRun) =>
    rounds * (calls.reworked + calls.examined + calls.candidate);
  const drafts = ({ calls, rounds }: PlannedRun) => rounds * calls.drafts;
  const base = ({ calls }: PlannedRun) => calls.base + calls.rehearsal;
  const sum = (of: (run: PlannedRun) => number) => runs.reduce((all, run) => all + of(run), 0);
  const once = (key: (run: PlannedRun) => string, of: (run: PlannedRun) => number) =>
    [...new Map(runs.map((run) => [key(run), of(run)])).values()].reduce((all, n) => all + n, 0);
  return {
    alone: sum(own) + sum(drafts) + sum(base),
    shared: sum(own) + once((run) => run.drafts, drafts) + once((run) => run.base, base),
  };
}

/**
 * The smallest difference between a treatment and the control that the study finds four times out of five, as a
 * share: "with 200 tasks and 3 seeds you can see 6 points".
 */
export function detectable(spec: StudySpec, arms: readonly Arm[], gateTasks: number): number {
  return detectableStudyDifference({
    tasks: gateTasks,
    seeds: spec.seeds.length,
    components: expectedComponents(spec.expect),
    alpha: spec.alpha,
    comparisons: arms.filter(({ role }) => role === "treatment").length,
  });
}
