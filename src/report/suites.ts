import type { Task } from "../core/entities.js";
import type { Suite } from "../core/round.js";
import { comparePaired, countOutcomes } from "../stats/index.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import type { Change, Changes, SuiteReport } from "./report.js";

const confidence = 0.95;
const mostBetter = 4;
const mostWorse = 2;

/** Base and final weights on each suite that the base weights have answered, sealed first. */
export function readSuites(store: Store, run: RunRow): SuiteReport[] {
  return (["sealed", "gate", "retention"] as const).flatMap((suite): SuiteReport[] => {
    const { base, final } = answersOf(store, run, suite);
    if (base.length === 0) return [];
    return [
      {
        suite,
        tasks: base.length,
        base: countOutcomes(base.map(({ verdict }) => verdict.outcome)),
        comparison: final.length === 0 ? null : comparePaired(base, final, confidence),
        margin: suite === "retention" ? (run.recipe.retention?.margin ?? null) : null,
      },
    ];
  });
}

/** What the base weights got wrong and the final ones right, and the other way round. */
export function readChanges(
  store: Store,
  run: RunRow,
  tasks: ReadonlyMap<string, Task>,
): Changes | null {
  for (const suite of ["sealed", "gate"] as const) {
    const { base, final } = answersOf(store, run, suite);
    if (base.length === 0 || final.length === 0) continue;
    const after = new Map(final.map((answer) => [answer.taskId, answer]));
    const pairs = base.flatMap((before) => {
      const now = after.get(before.taskId);
      const task = tasks.get(before.taskId);
      if (!now || !task) return [];
      const [was, is] = [before.verdict.outcome === "ok", now.verdict.outcome === "ok"];
      const { prompt, reference } = task;
      const change = { task: prompt, expected: reference, base: before.answer, final: now.answer };
      return [{ gained: !was && is, lost: was && !is, change }];
    });
    // The suite's order is a shuffle: taking the first ones picks no cherries.
    const better = pairs.filter(({ gained }) => gained).map(({ change }): Change => change);
    const worse = pairs.filter(({ lost }) => lost).map(({ change }): Change => change);
    return {
      suite,
      gained: better.length,
      lost: worse.length,
      better: better.slice(0, mostBetter),
      worse: worse.slice(0, mostWorse),
    };
  }
  return null;
}

function answersOf(store: Store, run: RunRow, suite: Suite) {
  const of = (adapter: string | null) => store.rounds.evaluations.of(run.id, suite, adapter);
  return { base: of(null), final: run.incumbent === null ? [] : of(run.incumbent) };
}
