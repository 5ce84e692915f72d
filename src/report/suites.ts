import type { Evaluation, Task } from "../core/entities.js";
import { seedFor } from "../core/hash.js";
import { retentionSuites } from "../core/retention.js";
import type { Suite } from "../core/round.js";
import { commonAnswers, comparePaired, countOutcomes } from "../stats/index.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import type { Change, Changes, JudgedAnswer, SuiteReport } from "./report.js";

const confidence = 0.95;
const mostBetter = 4;
const mostWorse = 3;

/** Base and final weights on each suite that the base weights have answered, sealed first. */
export function readSuites(store: Store, run: RunRow): SuiteReport[] {
  const retention = retentionSuites(run.recipe.retention);
  const measured: readonly { suite: Suite; name: string | null; margin: number | null }[] = [
    ...(["sealed", "gate"] as const).map((suite) => ({ suite, name: null, margin: null })),
    ...retention.map((each) => ({ suite: "retention" as const, ...each })),
  ];
  const suiteOf = suitesByTask(store, run);
  return measured.flatMap(({ suite, name, margin }): SuiteReport[] => {
    const wanted = ({ taskId }: Evaluation) => name === null || suiteOf.get(taskId) === name;
    const answers = answersOf(store, run, suite, wanted);
    if (answers.base.length === 0) return [];
    // A sequential gate may have asked one of them more tasks than the other.
    const [base, final] =
      answers.final.length === 0
        ? [answers.base, answers.final]
        : commonAnswers(answers.base, answers.final);
    return [
      {
        suite,
        ...(name === null ? {} : { name }),
        tasks: base.length,
        base: countOutcomes(base.map(({ verdict }) => verdict.outcome)),
        comparison: final.length === 0 ? null : comparePaired(base, final, confidence),
        margin,
      },
    ];
  });
}

/** Tasks on which base and final weights disagree, or a rejected candidate and what it would replace. */
export function readChanges(store: Store, run: RunRow, tasks: ReadonlyMap<string, Task>) {
  const pair = modelsToCompare(store, run);
  if (pair === null) return { changes: null, forgotten: null };
  const between = (suite: Suite) => changesBetween(store, run, suite, pair, tasks);
  const forgotten = between("retention");
  return {
    changes: (run.incumbent === null ? null : between("sealed")) ?? between("gate"),
    forgotten: forgotten === null || forgotten.lost === 0 ? null : forgotten,
  };
}

interface Pair {
  readonly before: string | null;
  readonly after: string;
  readonly name: string;
}

/** Where nothing was promoted, every candidate was compared with the base weights. */
function modelsToCompare(store: Store, run: RunRow): Pair | null {
  if (run.incumbent !== null) {
    return { before: null, after: run.incumbent, name: "the final weights" };
  }
  const last = store.rounds
    .all(run.id)
    .findLast(({ number }) => store.rounds.decision(run.id, number)?.gate);
  if (!last?.candidate) return null;
  return { before: null, after: last.candidate, name: `round ${last.number}'s candidate` };
}

function changesBetween(
  store: Store,
  run: RunRow,
  suite: Suite,
  { before, after, name }: Pair,
  tasks: ReadonlyMap<string, Task>,
): Changes | null {
  const { evaluations } = store.rounds;
  const now = new Map(evaluations.of(run.id, suite, after).map((each) => [each.taskId, each]));
  const pairs = evaluations.of(run.id, suite, before).flatMap((was) => {
    const is = now.get(was.taskId);
    const task = tasks.get(was.taskId);
    if (!is || !task || (was.verdict.outcome === "ok") === (is.verdict.outcome === "ok")) return [];
    const change = {
      ...(task.suite === undefined ? {} : { suite: task.suite }),
      task: task.prompt,
      expected: task.reference,
      before: judged(was),
      after: judged(is),
    };
    // Neither the suite's order nor the answers say which are shown, so that no cherries are picked.
    const lot = seedFor(run.recipe.seed, "report", was.taskId);
    return [{ gained: is.verdict.outcome === "ok", lot, change }];
  });
  if (pairs.length === 0) return null;
  pairs.sort((a, b) => a.lot - b.lot);
  const better = pairs.filter(({ gained }) => gained).map(({ change }): Change => change);
  const worse = pairs.filter(({ gained }) => !gained).map(({ change }): Change => change);
  return {
    suite,
    before: "the base weights",
    after: name,
    gained: better.length,
    lost: worse.length,
    better: better.slice(0, mostBetter),
    worse: worse.slice(0, mostWorse),
  };
}

function judged({ answer, verdict }: Evaluation): JudgedAnswer {
  return { answer, outcome: verdict.outcome, finding: verdict.finding };
}

function suitesByTask(store: Store, { id }: RunRow): ReadonlyMap<string, string | undefined> {
  return new Map(store.tasks.ofSplit(id, "retention").map((task) => [task.id, task.suite]));
}

function answersOf(
  store: Store,
  run: RunRow,
  suite: Suite,
  wanted: (answer: Evaluation) => boolean,
) {
  const of = (adapter: string | null) =>
    store.rounds.evaluations.of(run.id, suite, adapter).filter(wanted);
  return { base: of(null), final: run.incumbent === null ? [] : of(run.incumbent) };
}
