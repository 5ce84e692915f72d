import type { Attempt } from "../core/entities.js";
import { answerEntropy, mean } from "../stats/index.js";
import {
  answersOf,
  atLeast,
  atMostAbove,
  fewest,
  firstReading,
  type HealthInput,
  type Measure,
  type Monitor,
  percent,
} from "./monitor.js";

/** With four attempts each the mean of fewer tasks moves by half its size from round to round. */
const fewestUnsolved = 10;

/**
 * How undecided the teacher is where it fails. A model that learns grows sure of what it knows, and
 * that is meant to be; one that collapses is sure of everything, and then more tries find nothing.
 * So only tasks without a right attempt are read.
 */
export const entropy: Monitor = {
  name: "entropy",
  measure(input): Measure | null {
    const unsolved = [...byTask(input.rows.attempts).values()].filter((attempts) =>
      attempts.every(({ verdict }) => verdict.outcome !== "ok"),
    );
    if (unsolved.length < fewestUnsolved) return null;
    const each = unsolved.flatMap(
      (attempts) => answerEntropy(attempts.map(({ answer }) => answer)) ?? [],
    );
    const value = mean(each);
    if (value === null) return null;
    return {
      value,
      baseline: firstReading(input, "entropy"),
      text: `on ${unsolved.length} unsolved tasks the attempts' entropy is ${percent(value)} of what it can be${first(input, "entropy")}`,
    };
  },
  healthy: atLeast,
};

/** Attempts that ran into maxTokens: longer and longer, or without an end. */
export const truncated: Monitor = {
  name: "truncated",
  measure(input): Measure | null {
    const { attempts } = input.rows;
    if (attempts.length < fewest) return null;
    const value = attempts.filter((attempt) => attempt.truncated).length / attempts.length;
    return {
      value,
      baseline: firstReading(input, "truncated"),
      text: `${percent(value)} of the attempts were cut off at maxTokens${first(input, "truncated")}`,
    };
  },
  healthy: atMostAbove,
};

/** A majority that is of one mind and wrong: self-labels that reward agreement, not truth. */
export const judge: Monitor = {
  name: "judge",
  measure(input): Measure | null {
    const pairs = input.rows.attempts.flatMap(({ id, verdict }) => {
      const reference = input.byReference.get(id);
      const readable = verdict.outcome !== "ungradable" && reference !== "ungradable";
      return reference !== undefined && readable ? [verdict.outcome === reference] : [];
    });
    if (pairs.length < fewest) return null;
    const value = pairs.filter((agree) => !agree).length / pairs.length;
    return {
      value,
      baseline: firstReading(input, "judge"),
      text: `the majority's verdict contradicts the reference on ${percent(value)} of ${pairs.length} attempts${first(input, "judge")}`,
    };
  },
  healthy: atMostAbove,
};

/**
 * Success on training tasks against success on held-out ones, by the same weights. The difference in
 * the first round is what the teacher's privileges are worth; a growing one means that training
 * tasks are remembered or their verdicts gamed.
 */
export const gap: Monitor = {
  name: "gap",
  measure(input): Measure | null {
    const held = answersOf(input, "gate", input.incumbent);
    const { attempts } = input.rows;
    if (held === null || attempts.length < fewest) return null;
    const right = attempts.filter(
      ({ id, verdict }) => (input.byReference.get(id) ?? verdict.outcome) === "ok",
    );
    const train = right.length / attempts.length;
    const gate = held.filter(({ verdict }) => verdict.outcome === "ok").length / held.length;
    return {
      value: train - gate,
      baseline: firstReading(input, "gap"),
      text: `the incumbent is right in ${percent(train)} of its attempts at training tasks and on ${percent(gate)} of the gate tasks, ${percent(train - gate)} apart${first(input, "gap")}`,
    };
  },
  healthy: atMostAbove,
};

function first(input: HealthInput, name: Monitor["name"]): string {
  const value = firstReading(input, name);
  return value === null ? "" : `; at first it was ${percent(value)}`;
}

function byTask(attempts: readonly Attempt[]): Map<string, Attempt[]> {
  const groups = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    const group = groups.get(attempt.taskId);
    if (group === undefined) groups.set(attempt.taskId, [attempt]);
    else group.push(attempt);
  }
  return groups;
}
