import { type LookOutcome, levelOfLook } from "../../src/stats/levels.js";
import { fairTail } from "../../src/stats/mcnemar.js";
import { normalCdf, normalQuantile } from "../../src/stats/normal.js";
import { sequentialLook } from "../../src/stats/sequential.js";

/**
 * A night in which every candidate's true gain over the incumbent is the same, until one is promoted.
 *
 * A model's attempt at a task is right where
 *
 *   Φ⁻¹(accuracy) + √ρ × task + √κ × (model on task) + √(1 - ρ - κ) × attempt > 0,
 *
 * all three standard normal: how hard the task is for all models, how this model differs on it, and luck.
 * ρ is then the (tetrachoric) correlation of two models' verdicts on a task, and ρ + κ that of two attempts of
 * one model. docs/LOG.md has what was measured of both.
 */
export interface Night {
  readonly looks: number;
  readonly tasks: number;
  /** Of the incumbent. */
  readonly accuracy: number;
  /** Of every candidate over the incumbent, as a share. */
  readonly gain: number;
  /** ρ. */
  readonly correlation: number;
  /** κ / (1 - ρ): how much of what two models do not share stays the same from attempt to attempt. */
  readonly own: number;
  /** Attempts that each model has at a task. */
  readonly attempts: number;
}

/** What a gate says of one candidate. */
export interface LookResult {
  readonly promoted: boolean;
  /** Tasks that the candidate had to answer. */
  readonly tasks: number;
}

/** One difference for each task, from the first `attempts` attempts of each model. */
export type Differences = (attempts: number) => Float64Array;

export type Gate = (differences: Differences, level: number, tasks: number) => LookResult;

/** The gate of docs/decisions/003: the exact test over all tasks. */
export const exactGate: Gate = (differences, level, tasks) => {
  let [gained, lost] = [0, 0];
  for (const difference of differences(1)) {
    if (difference > 0) gained++;
    else if (difference < 0) lost++;
  }
  return { promoted: fairTail(gained + lost, gained) <= level, tasks };
};

/** The gate of docs/decisions/016, task by task, with so many attempts of each model. */
export function sequentialGate(attempts: number): Gate {
  return (differences, level, horizon) => {
    const { outcome, tasks } = sequentialLook(differences(attempts), { level, horizon });
    return { promoted: outcome === "better", tasks };
  };
}

/** What a night came to under one gate. */
export interface NightResult {
  /** The look that promoted, from 1; null if none did. */
  readonly promotedAt: number | null;
  readonly tasksOfFirstLook: number;
}

/** The same night under every gate. */
export function nightUnder(
  gates: readonly Gate[],
  night: Night,
  alpha: number,
  random: () => number,
): NightResult[] {
  const { looks, tasks, accuracy, gain } = night;
  const hardness = Float64Array.from({ length: tasks }, () => normal(random));
  const incumbent = answersOf(night, accuracy, hardness, random);
  const results = gates.map(() => ({ promotedAt: null as number | null, tasksOfFirstLook: 0 }));
  for (let look = 1; look <= looks; look++) {
    if (results.every(({ promotedAt }) => promotedAt !== null)) break;
    const candidate = answersOf(night, accuracy + gain, hardness, random);
    const differences: Differences = (used) => differencesOf(candidate, incumbent, night, used);
    for (const [i, gate] of gates.entries()) {
      const result = results[i]!;
      if (result.promotedAt !== null) continue;
      const { promoted, tasks: asked } = gate(differences, alpha / looks, tasks);
      if (look === 1) result.tasksOfFirstLook = asked;
      if (promoted) result.promotedAt = look;
    }
  }
  return results;
}

/**
 * A night whose first candidate is better by `night.gain` and whose others are no better than the
 * incumbent of their time, with the shares of alpha that a promotion hands on.
 *
 * @returns whether one of those others was promoted; null where the first was not.
 */
export function wrongAfterRightOne(
  gate: Gate,
  night: Night,
  alpha: number,
  random: () => number,
): boolean | null {
  const { looks, tasks, accuracy, gain } = night;
  const hardness = Float64Array.from({ length: tasks }, () => normal(random));
  let incumbent = answersOf(night, accuracy, hardness, random);
  const earlier: LookOutcome[] = [];
  while (earlier.length < looks) {
    const candidate = answersOf(night, accuracy + gain, hardness, random);
    const differences: Differences = (used) => differencesOf(candidate, incumbent, night, used);
    const { promoted } = gate(differences, levelOfLook(alpha, looks, earlier), tasks);
    const first = earlier.length === 0;
    if (promoted !== first) return first ? null : true;
    if (first) incumbent = candidate;
    earlier.push(promoted ? "promoted" : "rejected");
  }
  return false;
}

/**
 * A night as the loop has it, of candidates that are no better: some rounds have none, and what earlier
 * looks did not lose is handed on.
 *
 * @param skipped the chance that a round has no candidate.
 * @returns whether any was promoted.
 */
export function wrongNight(
  gate: Gate,
  night: Night,
  alpha: number,
  skipped: number,
  random: () => number,
): boolean {
  const { looks, tasks, accuracy } = night;
  const hardness = Float64Array.from({ length: tasks }, () => normal(random));
  const incumbent = answersOf(night, accuracy, hardness, random);
  const earlier: LookOutcome[] = [];
  while (earlier.length < looks) {
    if (random() < skipped) {
      earlier.push("skipped");
      continue;
    }
    const candidate = answersOf(night, accuracy, hardness, random);
    const differences: Differences = (used) => differencesOf(candidate, incumbent, night, used);
    if (gate(differences, levelOfLook(alpha, looks, earlier), tasks).promoted) return true;
    earlier.push("rejected");
  }
  return false;
}

/** Task by task, which attempts were right (1) and which were not (0). */
function answersOf(
  { correlation, own, attempts }: Night,
  accuracy: number,
  hardness: Float64Array,
  random: () => number,
): Uint8Array {
  const unshared = 1 - correlation;
  const luck = Math.sqrt(unshared * (1 - own));
  const level = normalQuantile(accuracy);
  const right = new Uint8Array(hardness.length * attempts);
  for (const [task, hard] of hardness.entries()) {
    const ease = level + Math.sqrt(correlation) * hard + Math.sqrt(unshared * own) * normal(random);
    const chance = normalCdf(ease / luck);
    for (let i = 0; i < attempts; i++) right[task * attempts + i] = random() < chance ? 1 : 0;
  }
  return right;
}

function differencesOf(
  candidate: Uint8Array,
  incumbent: Uint8Array,
  { tasks, attempts }: Night,
  used: number,
): Float64Array {
  return Float64Array.from({ length: tasks }, (_, task) => {
    let sum = 0;
    for (let i = task * attempts; i < task * attempts + used; i++) {
      sum += candidate[i]! - incumbent[i]!;
    }
    return sum / used;
  });
}

function normal(random: () => number): number {
  return normalQuantile(random() || 0.5);
}
