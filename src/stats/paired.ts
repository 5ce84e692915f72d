import type { Evaluation, Outcome, OutcomeCounts, PairedComparison } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import { tango } from "./intervals.js";
import { exactMcNemar } from "./mcnemar.js";

/** The same contrast over the tasks that both models answered gradably. */
export interface GradableComparison {
  readonly tasks: number;
  readonly gained: number;
  readonly lost: number;
  /** candidate - baseline, as a share of these tasks. */
  readonly difference: number;
  readonly pBetter: number;
}

export type FullComparison = PairedComparison & { readonly gradable: GradableComparison };

/**
 * Compares two models on the same tasks, paired by task.
 *
 * The primary contrast is ok against not ok over all tasks: a task may not leave the figure because
 * one model answered it unreadably, or a candidate would gain by being unreadable where it is weak.
 * `gradable` shows whether a gain is knowledge or only form: it restricts both models to the tasks
 * where neither answer was ungradable.
 */
export function comparePaired(
  baseline: readonly Evaluation[],
  candidate: readonly Evaluation[],
  confidence: number,
): FullComparison {
  const pairs = pair(baseline, candidate);
  const { gained, lost } = discordant(pairs);
  const p = exactMcNemar(gained, lost);
  const gradable = pairs.filter(([a, b]) => a !== "ungradable" && b !== "ungradable");
  const inner = discordant(gradable);
  return {
    tasks: pairs.length,
    baseline: countOutcomes(pairs.map(([before]) => before)),
    candidate: countOutcomes(pairs.map(([, after]) => after)),
    gained,
    lost,
    difference: share(gained - lost, pairs.length),
    ...tango(gained, lost, pairs.length, confidence),
    confidence,
    pBetter: p.better,
    pDifferent: p.different,
    gradable: {
      tasks: gradable.length,
      ...inner,
      difference: share(inner.gained - inner.lost, gradable.length),
      pBetter: exactMcNemar(inner.gained, inner.lost).better,
    },
  };
}

/** Both models' answers to the tasks that both were asked; where a gate stops early these need not be all. */
export function commonAnswers(
  baseline: readonly Evaluation[],
  candidate: readonly Evaluation[],
): [baseline: readonly Evaluation[], candidate: readonly Evaluation[]] {
  const within = (items: readonly Evaluation[], others: readonly Evaluation[]) => {
    const known = new Set(others.map(({ taskId }) => taskId));
    return items.filter(({ taskId }) => known.has(taskId));
  };
  return [within(baseline, candidate), within(candidate, baseline)];
}

export function countOutcomes(outcomes: readonly Outcome[]): OutcomeCounts {
  const counts = { ok: 0, wrong: 0, ungradable: 0 };
  for (const outcome of outcomes) counts[outcome]++;
  return counts;
}

type Pair = readonly [before: Outcome, after: Outcome];

function pair(baseline: readonly Evaluation[], candidate: readonly Evaluation[]): Pair[] {
  const after = new Map(candidate.map(({ taskId, verdict }) => [taskId, verdict.outcome]));
  const before = new Map(baseline.map(({ taskId, verdict }) => [taskId, verdict.outcome]));
  const once = after.size === candidate.length && before.size === baseline.length;
  if (!once || after.size !== before.size || [...before.keys()].some((id) => !after.has(id))) {
    throw new RedistillError(
      "internal",
      `a paired comparison of ${baseline.length} and ${candidate.length} evaluations that are not of the same tasks, each once`,
      "Evaluate both models on the same suite; report this with the run's database if you did.",
    );
  }
  return [...before].map(([taskId, outcome]) => [outcome, after.get(taskId)!]);
}

function discordant(pairs: readonly Pair[]): { gained: number; lost: number } {
  const gained = pairs.filter(([a, b]) => a !== "ok" && b === "ok").length;
  const lost = pairs.filter(([a, b]) => a === "ok" && b !== "ok").length;
  return { gained, lost };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
