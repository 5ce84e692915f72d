import { normalQuantile } from "./normal.js";

interface Planned {
  /** Share of the tasks that only the baseline gets right. */
  readonly lostShare: number;
  /** One-sided level of the test. */
  readonly alpha: number;
  /** Chance that the test finds a difference that is there, for example 0.8. */
  readonly power: number;
}

/**
 * How many paired tasks a one-sided McNemar test needs for a true difference δ, a share of the tasks
 * (Miettinen 1968, Biometrics 24:339–352; Connor 1987, Biometrics 43:207–211):
 *
 *   n = ((z(1-α) √ψ + z(power) √(ψ - δ²)) / δ)²,  ψ = δ + 2 lostShare
 *
 * An approximation for the exact test; the figures in tests/stats/power.test.ts say how near it is.
 *
 * @returns Infinity where the difference is not positive.
 */
export function tasksNeeded(difference: number, planned: Planned): number {
  if (!(difference > 0)) return Number.POSITIVE_INFINITY;
  const { lostShare, alpha, power } = planned;
  const discordant = difference + 2 * lostShare;
  const spread = Math.sqrt(Math.max(0, discordant - difference ** 2));
  const z = normalQuantile(1 - alpha) * Math.sqrt(discordant) + normalQuantile(power) * spread;
  return Math.ceil((z / difference) ** 2);
}

/**
 * The smallest true difference, as a share of the tasks, that the same test finds with that power on
 * `tasks` tasks; null where not even the largest possible difference would do.
 */
export function detectableDifference(tasks: number, planned: Planned): number | null {
  const largest = 1 - planned.lostShare;
  if (tasks < 1 || tasksNeeded(largest, planned) > tasks) return null;
  let [low, high] = [0, largest];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (tasksNeeded(middle, planned) > tasks) low = middle;
    else high = middle;
  }
  return high;
}
