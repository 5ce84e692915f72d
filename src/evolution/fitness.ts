import type { Outcome } from "../core/entities.js";
import type { EvolutionDraft, Trial } from "../core/evolution.js";
import type { CritiqueVerdict } from "../core/prompt-output.js";

/** What the critic's own verdict counts beside the revision, where its prompt asks for one: a quarter. */
const verdictShare = 0.25;

/**
 * Fitness on one draft, 0 to 1: whether the answer is right after its revision (a wrong draft fixed, a right one not
 * broken). Where the prompt asks for a verdict, that is three quarters of it, and one is whether the critic called
 * the draft what it is; unsure and unreadable are not.
 */
export function draftFitness(
  tried: "right" | "wrong",
  outcome: Outcome,
  says: CritiqueVerdict | null,
): number {
  const revised = Number(outcome === "ok");
  if (says === null) return revised;
  return (1 - verdictShare) * revised + verdictShare * Number(says === tried);
}

/** Fitness by task: one number, the mean over its drafts. */
export type Fitness = ReadonlyMap<string, number>;

/** Fitness of one candidate on each task of which it tried all drafts that there are. */
export function fitnessOf(
  candidate: string,
  trials: readonly Trial[],
  drafts: readonly EvolutionDraft[],
): Fitness {
  const scores = new Map(
    trials.filter((trial) => trial.candidate === candidate).map((t) => [t.draftId, t.score]),
  );
  const byTask = new Map<string, number[]>();
  const incomplete = new Set<string>();
  for (const { id, taskId, tried } of drafts) {
    if (tried === null) continue;
    const score = scores.get(id);
    if (score === undefined) incomplete.add(taskId);
    else byTask.set(taskId, [...(byTask.get(taskId) ?? []), score]);
  }
  return new Map(
    [...byTask]
      .filter(([taskId]) => !incomplete.has(taskId))
      .map(([taskId, all]) => [taskId, all.reduce((sum, each) => sum + each, 0) / all.length]),
  );
}

/** Mean fitness over some tasks; a task without a figure counts as 0. */
export function meanFitness(fitness: Fitness, tasks: readonly string[]): number {
  const sum = tasks.reduce((total, task) => total + (fitness.get(task) ?? 0), 0);
  return sum / Math.max(1, tasks.length);
}
