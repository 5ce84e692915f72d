import type { OutcomeCounts } from "../../core/entities.js";
import type { Reworking } from "../../store/figures.js";
import type { Store } from "../../store/store.js";
import { type RunOutcome, type StudyOutcomes, total } from "../outcomes.js";
import type { ArmFlow } from "./report.js";

/**
 * The student never answers training tasks and nobody revises an answer to a gate task, so that the flow
 * has two halves: draft → revision on training tasks, base weights → student on gate tasks.
 */
export function armFlows(store: Store, { arms, outcomes, base }: StudyOutcomes): ArmFlow[] {
  return arms.flatMap(({ id }): ArmFlow[] => {
    const runs = outcomes.filter(({ arm }) => arm === id);
    if (runs.length === 0) return [];
    const reworkings = summed(runs.flatMap(({ runId }) => store.figures.reworkings(runId)));
    const wrong = reworkings.filter(({ draft }) => draft !== "ok");
    const right = reworkings.filter(({ draft }) => draft === "ok");
    return [
      {
        arm: id,
        attempts: attemptsOf(runs),
        reworkings,
        fixed: {
          count: countOf(wrong.filter(({ revision }) => revision === "ok")),
          of: countOf(wrong),
        },
        broken: {
          count: countOf(right.filter(({ revision }) => revision !== "ok")),
          of: countOf(right),
        },
        students: studentsOf(runs, base.gate),
      },
    ];
  });
}

const countOf = (rows: readonly Reworking[]) => rows.reduce((sum, { count }) => sum + count, 0);

/** Rows of several runs, one for each pair of verdicts. */
function summed(rows: readonly Reworking[]): Reworking[] {
  const pairs = [...new Set(rows.map(({ draft, revision }) => `${draft} ${revision}`))].sort();
  return pairs.map((pair) => {
    const same = rows.filter(({ draft, revision }) => `${draft} ${revision}` === pair);
    return { ...same[0]!, count: countOf(same) };
  });
}

function attemptsOf(runs: readonly RunOutcome[]): OutcomeCounts {
  const each = runs.map(({ rounds }) => total(rounds, "attempts"));
  const sum = (outcome: keyof OutcomeCounts) => each.reduce((all, row) => all + row[outcome], 0);
  return { ok: sum("ok"), wrong: sum("wrong"), ungradable: sum("ungradable") };
}

function studentsOf(
  runs: readonly RunOutcome[],
  base: ReadonlyMap<string, boolean>,
): ArmFlow["students"] {
  const students = { kept: 0, fixed: 0, broken: 0, missed: 0 };
  for (const { gate } of runs) {
    for (const [task, right] of gate) {
      const before = base.get(task);
      if (before === undefined) continue;
      students[before ? (right ? "kept" : "broken") : right ? "fixed" : "missed"]++;
    }
  }
  return students;
}
