import type { DecisionOutcome, OutcomeCounts } from "../core/entities.js";
import { retentionSuites } from "../core/retention.js";
import type { Suite } from "../core/round.js";
import type { Arm } from "../core/study.js";
import type { RoundFigures } from "../store/figures.js";
import type { Store } from "../store/store.js";
import type { StudyRow, StudyRun } from "../store/studies.js";

/** What an arm with a seed came to, from its run's rows. */
export interface RunOutcome {
  readonly arm: string;
  readonly seed: number;
  readonly runId: string;
  readonly note: string | null;
  /** sha256 of what answers below; null: the base weights. */
  readonly student: string | null;
  /** Of its last round. */
  readonly decision: DecisionOutcome;
  /** Why its last round gave no candidate; the student is then the incumbent. */
  readonly noCandidate: string | null;
  /** Right or not, by task id: the student after training. */
  readonly gate: ReadonlyMap<string, boolean>;
  readonly retention: ReadonlyMap<string, boolean>;
  /** Null where the sealed suite was not asked: the run promoted nothing, or its recipe has none. */
  readonly sealed: ReadonlyMap<string, boolean> | null;
  /** Of all rounds together. */
  readonly rounds: readonly RoundFigures[];
  /** Tokens, prompts in full and answers, that each stage stands on, whoever paid for them. */
  readonly tokens: Readonly<Record<string, number>>;
  readonly trainedTokens: number;
}

/** A retention suite of a study; `name` is null where there is one by its path. */
export interface StudyRetention {
  readonly name: string | null;
  readonly margin: number;
  /** Ids of its tasks; empty as long as no run has begun. */
  readonly tasks: ReadonlySet<string>;
}

/** A study as far as it has come. */
export interface StudyOutcomes {
  readonly study: StudyRow;
  readonly arms: readonly Arm[];
  readonly runs: readonly StudyRun[];
  readonly outcomes: readonly RunOutcome[];
  /** The recipe's retention suites, one or several, in its order. */
  readonly retention: readonly StudyRetention[];
  /** The base weights on each suite, by task id. */
  readonly base: Readonly<Record<Suite, ReadonlyMap<string, boolean>>>;
  readonly calls: { readonly alone: number; readonly paid: number };
}

/**
 * Everything that a study measured so far, from the saved database alone. A run of one round is judged by its
 * candidate, whatever the gate said of it, since the question is what the arm makes of the weights; a longer one
 * by the weights that it ended with.
 */
export function readOutcomes(store: Store, study: StudyRow): StudyOutcomes {
  const runs = store.studies.runs(study.id);
  const tokens = store.studies.tokens(study.id);
  const base = (suite: Suite) =>
    runs
      .flatMap(({ runId }) => (runId === null ? [] : [answers(store, runId, suite, null)]))
      .find((known) => known.size > 0) ?? new Map<string, boolean>();
  const outcomes = runs.flatMap(({ arm, seed, runId, note }): RunOutcome[] => {
    const run = runId === null ? null : store.runs.find(runId);
    if (run === null || runId === null || run.state !== "finished") return [];
    const last = store.rounds.last(runId)!;
    const decision = store.rounds.decision(runId, last.number)!;
    const student = run.recipe.rounds === 1 ? last.candidate : run.incumbent;
    const sealed = run.incumbent === null ? new Map() : answers(store, runId, "sealed", student);
    const adapters = store.rounds.all(runId).flatMap(({ candidate }) => candidate ?? []);
    return [
      {
        arm,
        seed,
        runId,
        note,
        student,
        decision: decision.outcome,
        noCandidate: last.candidate === null ? decision.reason : null,
        // A round without a candidate leaves the base weights as they are.
        gate: student === null ? base("gate") : answers(store, runId, "gate", student),
        retention:
          student === null ? base("retention") : answers(store, runId, "retention", student),
        sealed: sealed.size === 0 ? null : sealed,
        rounds: store.rounds.all(runId).map(({ number }) => store.figures.of(runId, number)),
        tokens: Object.fromEntries(
          tokens.filter((row) => row.runId === runId).map((row) => [row.stage, row.tokens]),
        ),
        trainedTokens: adapters.reduce(
          (sum, sha256) => sum + (store.adapters.find(sha256)?.tokens ?? 0),
          0,
        ),
      },
    ];
  });
  return {
    study,
    arms: store.studies.arms(study.id),
    runs,
    outcomes,
    retention: retentionOf(store, study, runs),
    base: { gate: base("gate"), retention: base("retention"), sealed: base("sealed") },
    calls: store.studies.calls(study.id),
  };
}

/** All runs of a study have the same retention tasks, which is checked when one begins. */
function retentionOf(
  store: Store,
  { recipe }: StudyRow,
  runs: readonly StudyRun[],
): StudyRetention[] {
  const first = runs.find(({ runId }) => runId !== null)?.runId;
  const tasks = first == null ? [] : store.tasks.ofSplit(first, "retention");
  return retentionSuites(recipe.retention).map(({ name, margin }) => {
    const own = tasks.filter(({ suite }) => (suite ?? null) === name);
    return { name, margin, tasks: new Set(own.map(({ id }) => id)) };
  });
}

function answers(store: Store, runId: string, suite: Suite, adapter: string | null) {
  return new Map(
    store.rounds.evaluations
      .of(runId, suite, adapter)
      .map(({ taskId, verdict }) => [taskId, verdict.outcome === "ok"] as const),
  );
}

/** How many attempts were right, wrong and ungradable. */
export function total(
  rounds: readonly RoundFigures[],
  of: "attempts" | "revisions",
): OutcomeCounts {
  const sum = (outcome: keyof OutcomeCounts) =>
    rounds.reduce((all, round) => all + round[of][outcome], 0);
  return { ok: sum("ok"), wrong: sum("wrong"), ungradable: sum("ungradable") };
}
