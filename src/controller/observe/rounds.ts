import type { Decision, PairedComparison } from "../../core/entities.js";
import { leversOf, trialIn } from "../../core/levers.js";
import type { LeverSettings, RetentionSeen, RoundSeen } from "../../core/policy.js";
import { marginUsed, nearestToMargin, retainedOf } from "../../core/retention.js";
import type { RoundRow } from "../../store/rounds.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";

/**
 * What a finished round did and what came of it, from its rows. Of the suites there are counts alone.
 *
 * @param pool Training tasks that may be learned from.
 */
export function roundSeen(
  store: Store,
  run: RunRow,
  { number, candidate }: RoundRow,
  pool: number,
): RoundSeen {
  const figures = store.figures.of(run.id, number);
  const { ok, wrong, ungradable } = figures.attempts;
  const decision = store.rounds.decision(run.id, number);
  const trial = trialIn(leversOf(run.recipe, pool), plannedOf(store, run, number));
  const adapter = candidate === null ? null : store.adapters.find(candidate);
  return {
    number,
    settings: settingsOf(store, run, number, pool),
    tasks: figures.elicited,
    attempts: ok + wrong + ungradable,
    right: ok,
    solved: figures.solved,
    ungradable,
    diversity: store.observed.diversity(run.id, number),
    revisions: store.observed.revisions(run.id, number),
    trial: trial && store.observed.trial(run.id, number, trial),
    examined: store.observed.examined(run.id, number),
    examples: figures.examples.attempt + figures.examples.revision,
    carriedOver: figures.carriedOver,
    loss: adapter?.finalLoss ?? null,
    validation: validationOf(store, run.id, number),
    gate: decision?.gate ? countsOf(decision.gate) : null,
    ...retentionOf(run, decision),
    ...outcomeOf(store, run.id, number, decision),
    tokens: store.observed.tokens(run.id, number),
    trained: adapter?.tokens ?? 0,
    seconds: store.rounds.secondsFrom(run.id, number)[0]?.seconds ?? 0,
  };
}

/**
 * The rank that the incumbent's adapter was trained with, however long ago: by the settings of its round, since a plan may
 * have had another than the recipe. null where there is none.
 *
 * @param pool Training tasks that may be learned from.
 */
export function incumbentRank(store: Store, run: RunRow, pool: number): number | null {
  if (run.incumbent === null) return null;
  const trained = store.rounds.all(run.id).findLast(({ candidate }) => candidate === run.incumbent);
  if (trained === undefined) return null;
  const rank = settingsOf(store, run, trained.number, pool)["retrain.rank"];
  return typeof rank === "number" ? rank : null;
}

/** Every lever as a round had it. */
function settingsOf(store: Store, run: RunRow, round: number, pool: number): LeverSettings {
  return { ...leversOf(run.recipe, pool), ...plannedOf(store, run, round) };
}

/** What a round's plan has otherwise than the recipe. */
function plannedOf(store: Store, run: RunRow, round: number): LeverSettings {
  return store.plans.find(run.id, round)?.settings ?? {};
}

/** A promotion that a monitor of health took back is none. */
function outcomeOf(
  store: Store,
  runId: string,
  round: number,
  decision: Decision | null,
): Pick<RoundSeen, "outcome" | "reason"> {
  if (decision === null) return { outcome: "skipped", reason: "" };
  const { outcome, reason } = decision;
  return store.readings.rolledBack(runId).includes(round)
    ? { outcome: "rejected", reason: `rolled back: ${reason}` }
    : { outcome, reason };
}

function countsOf({ tasks, baseline, candidate }: PairedComparison) {
  return { tasks, baseline: baseline.ok, candidate: candidate.ok };
}

function retentionOf(
  { recipe }: RunRow,
  decision: Decision | null,
): Pick<RoundSeen, "retention" | "retentionSuites"> {
  const retained = decision === null ? [] : retainedOf(decision, recipe.retention?.margin ?? null);
  const seen = retained.map(
    ({ name, margin, comparison }): RetentionSeen => ({
      ...(name === null ? {} : { suite: name }),
      ...countsOf(comparison),
      worst: Math.max(0, -comparison.low),
      margin,
    }),
  );
  const nearest = nearestToMargin(seen, ({ worst, margin }) => marginUsed(worst, margin));
  return {
    retention: nearest ?? null,
    ...(nearest?.suite === undefined ? {} : { retentionSuites: seen }),
  };
}

function validationOf(store: Store, runId: string, round: number): RoundSeen["validation"] {
  const answers = store.rounds.validations.of(runId, round);
  if (answers.length === 0) return null;
  const of = (wanted: "learned" | "unseen") => {
    const own = answers.filter(({ kind }) => kind === wanted);
    const right = own.filter(({ verdict }) => verdict.outcome === "ok").length;
    return { right, tasks: own.length };
  };
  return { learned: of("learned"), unseen: of("unseen") };
}
