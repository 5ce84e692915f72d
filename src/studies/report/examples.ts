import type { Task } from "../../core/entities.js";
import { seedFor } from "../../core/hash.js";
import type { Store } from "../../store/store.js";
import type { Comparison, StudyAnalysis } from "../analysis.js";
import type { RunOutcome, StudyOutcomes } from "../outcomes.js";
import type { Example, Examples } from "./report.js";

/** Of each kind: tasks that only the one arm got right, and only the other. */
const mostOfAKind = 3;

/**
 * Answers of two students side by side: the treatment with the largest gain and what it was compared with, with the
 * first seed of both. Which tasks are shown is drawn by lot, so that no cherries are picked.
 */
export function readExamples(
  store: Store,
  outcomes: StudyOutcomes,
  { primary, learned }: StudyAnalysis,
): Examples | null {
  const pair = largest(primary) ?? largest(learned);
  if (pair === null) return null;
  const seed = pair.contrast!.seeds[0]!;
  const runOf = (arm: string) =>
    outcomes.outcomes.find((run) => run.arm === arm && run.seed === seed) ?? null;
  const after = runOf(pair.arm);
  if (after === null) return null;
  const [was, is] = [answers(store, runOf(pair.baseline), after), answers(store, after, after)];
  const tasks = new Map(store.tasks.ofSplit(after.runId, "gate").map((task) => [task.id, task]));
  const lot = (id: string) => seedFor("examples", outcomes.study.specHash, id);
  const differing = [...tasks.values()]
    .filter(({ id }) => was.has(id) && is.has(id))
    .filter(({ id }) => isRight(was.get(id)!) !== isRight(is.get(id)!))
    .sort((a, b) => lot(a.id) - lot(b.id) || (a.id < b.id ? -1 : 1));
  if (differing.length === 0) return null;
  const gained = differing.filter(({ id }) => isRight(is.get(id)!));
  const lost = differing.filter(({ id }) => !isRight(is.get(id)!));
  const example = ({ id, prompt, reference }: Task): Example => ({
    gained: isRight(is.get(id)!),
    task: prompt,
    expected: reference,
    before: answerOf(was.get(id)!),
    after: answerOf(is.get(id)!),
  });
  return {
    suite: "gate",
    seed,
    before: pair.baseline,
    after: pair.arm,
    gained: gained.length,
    lost: lost.length,
    shown: [...gained.slice(0, mostOfAKind), ...lost.slice(0, mostOfAKind)].map(example),
  };
}

/** With the largest difference; the first of several. */
function largest(comparisons: readonly Comparison[]): Comparison | null {
  const done = comparisons.filter(({ contrast }) => contrast !== null);
  const difference = ({ contrast }: Comparison) => contrast!.estimate.difference;
  return done.reduce<Comparison | null>(
    (best, each) => (best === null || difference(each) > difference(best) ? each : best),
    null,
  );
}

type Evaluated = ReturnType<Store["rounds"]["evaluations"]["of"]>[number];

/** A run's student on the gate suite. Without a run it is the base weights, which `known` has asked too. */
function answers(store: Store, run: RunOutcome | null, known: RunOutcome): Map<string, Evaluated> {
  const { evaluations } = store.rounds;
  const rows = evaluations.of((run ?? known).runId, "gate", run?.student ?? null);
  return new Map(rows.map((row) => [row.taskId, row]));
}

const isRight = ({ verdict }: Evaluated) => verdict.outcome === "ok";

function answerOf({ answer, verdict }: Evaluated) {
  return { answer, outcome: verdict.outcome };
}
