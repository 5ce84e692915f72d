import type {
  LeverSettings,
  Observation,
  PolicyDecision,
  RoundSeen,
  TaskSeen,
} from "../../src/core/policy.js";
import { adaptive } from "../../src/policy/adaptive.js";
import type { Rule } from "../../src/policy/rule.js";

/** Levers of a recipe that has them all. */
export const own: LeverSettings = {
  "elicit.tasksPerRound": 10,
  "generate.attempts": 4,
  "generate.temperature": 0.8,
  critique: true,
  "critique.prompt": "locate-error",
  "critique.trial": "no trial",
  "refine.tries": 2,
  "curate.maximum": 48,
  "curate.replay.ratio": 0.5,
  "retrain.from": "base",
  "retrain.epochs": 3,
  "retrain.rank": 8,
  "retrain.learningRate": 0.001,
};

const limits: Observation["limits"] = {
  "elicit.tasksPerRound": { least: 5, most: 20 },
  "generate.attempts": { least: 2, most: 8 },
  "generate.temperature": { least: 0.4, most: 1.6 },
  "refine.tries": { least: 1, most: 4 },
  "curate.maximum": { least: 24, most: 96 },
  "curate.replay.ratio": { least: 0.25, most: 1 },
  "retrain.epochs": { least: 2, most: 6 },
  "retrain.rank": { least: 4, most: 16 },
  "retrain.learningRate": { least: 0.0005, most: 0.002 },
};

/** A round that was rejected and shows nothing else. */
export function roundWith(changes: Partial<RoundSeen> & { number: number }): RoundSeen {
  return {
    ...{ settings: own, tasks: 10, attempts: 40, right: 20, solved: 8, ungradable: 0 },
    ...{ diversity: null, revisions: null, examined: null, examples: 20, loss: 0.5 },
    ...{ validation: null, retention: null },
    gate: { tasks: 100, baseline: 40, candidate: 42 },
    ...{ outcome: "rejected", reason: "not shown to be better", tokens: 8_000, seconds: 60 },
    ...changes,
  };
}

/** Tasks `t0`, `t1`, … that had four attempts in round 1, so many of them right. */
export function tasksWith(right: readonly (number | null)[], round = 1): TaskSeen[] {
  return right.map((each, i) => ({
    id: `t${i}`,
    cluster: null,
    tries: each === null ? [] : [{ round, right: each, attempts: 4 }],
  }));
}

export function observationWith(changes: Partial<Observation> = {}): Observation {
  const rounds = changes.rounds ?? [];
  const promoted = rounds.findLast(({ outcome }) => outcome === "promoted");
  return {
    ...{ round: (rounds.at(-1)?.number ?? 0) + 1, seed: 7, recipe: own, limits },
    ...{ critiquePrompts: ["locate-error"], rounds, tasks: tasksWith(new Array(20).fill(null)) },
    ...{ clusters: [], budgetLeft: {}, roundsLeft: 5, lessons: [] },
    incumbentRank: promoted === undefined ? null : Number(promoted.settings["retrain.rank"]),
    ...changes,
  };
}

/** What one rule decides, by what it moves. */
export function decided(rule: Rule, observation: Observation): Record<string, PolicyDecision> {
  const { decisions } = adaptive(observation, [rule]);
  return Object.fromEntries(decisions.map((decision) => [decision.what, decision]));
}
