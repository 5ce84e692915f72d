import type { Suite } from "../../core/round.js";
import type { Arm } from "../../core/study.js";
import type { StudyOutcomes, StudyRetention } from "../outcomes.js";

/** Whether an arm was right on one suite: by seed, then by task. */
export type SuiteAnswers = ReadonlyMap<number, ReadonlyMap<string, boolean>>;

/**
 * An arm's answers to a suite, of the runs that have ended and were asked. Nothing was trained in the
 * untrained arm, so that every seed has the same answers there.
 *
 * @param part Of several retention suites the one that is meant; null takes all tasks.
 */
export function answersOf(
  outcomes: StudyOutcomes,
  arm: Arm,
  suite: Suite,
  part: StudyRetention | null = null,
): SuiteAnswers {
  const base = outcomes.base[suite];
  const own =
    arm.role === "untrained"
      ? outcomes.study.spec.seeds.map((seed) => [seed, base] as const)
      : outcomes.outcomes
          .filter((run) => run.arm === arm.id)
          .map((run) => [run.seed, run[suite] ?? new Map<string, boolean>()] as const);
  const kept = part === null ? own : own.map(([seed, all]) => [seed, partOf(all, part)] as const);
  return new Map(kept.filter(([, answers]) => answers.size > 0).sort(([a], [b]) => a - b));
}

/** The answers to tasks of one retention suite; all of them where it is the only one. */
export function partOf<T>(answers: ReadonlyMap<string, T>, { name, tasks }: StudyRetention) {
  return name === null ? answers : new Map([...answers].filter(([task]) => tasks.has(task)));
}

/** Tasks that all of them answered with each of the seeds, and how many only some did. */
export function sharedTasks(
  arms: readonly SuiteAnswers[],
  seeds: readonly number[],
): { tasks: string[]; leftOut: number } {
  const sets = arms.flatMap((answers) => seeds.map((seed) => answers.get(seed)!));
  const all = [...new Set(sets.flatMap((answers) => [...answers.keys()]))].sort();
  const tasks = all.filter((task) => sets.every((answers) => answers.has(task)));
  return { tasks, leftOut: all.length - tasks.length };
}

/** Seeds with which all of them have answers. */
export function sharedSeeds([first, ...others]: readonly SuiteAnswers[]): number[] {
  return [...(first?.keys() ?? [])].filter((seed) => others.every((each) => each.has(seed)));
}

/** 1 for right and 0 for not: a row for each task, a column for each seed. */
export function scoresOf(
  answers: SuiteAnswers,
  tasks: readonly string[],
  seeds: readonly number[],
): number[][] {
  return tasks.map((task) => seeds.map((seed) => (answers.get(seed)!.get(task) ? 1 : 0)));
}
