import { RedistillError } from "../core/errors.js";
import { twoSidedZ } from "./normal.js";

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Tango's score interval for the difference of paired proportions, δ = (gained - lost) / n
 * (Tango 1998, Statistics in Medicine 17:891–908): all δ with
 *
 *   |gained - lost - nδ| / √(n (2q + δ(1 - δ))) <= z
 *
 * where q is the likeliest share of losses under that δ,
 * q = (√(B² - 4AC) - B) / 2A, A = 2n, B = -gained - lost + (2n - gained + lost)δ, C = -lost δ(1 - δ).
 *
 * Chosen over Newcombe's method 10 by exact coverage (figures in tests/stats/intervals.test.ts). It needs
 * no special case: without discordant pairs it is ±z²/(n + z²), with all gained it ends at 1.
 * At the border it may disagree with the exact McNemar test, which is the stricter of the two; the
 * gate goes by the test.
 */
export function tango(gained: number, lost: number, total: number, confidence: number): Interval {
  assertCounts(total, gained, lost);
  const z = zOf(confidence);
  if (total === 0) return { low: -1, high: 1 };
  const observed = (gained - lost) / total;
  // The statistic falls from +∞ at δ = -1 to -∞ at δ = 1 and is 0 at the observed difference.
  const solve = (target: number, from: number, to: number) => {
    let [a, b] = [from, to];
    for (let i = 0; i < 100 && b - a > 1e-15; i++) {
      const middle = (a + b) / 2;
      if (statistic(middle, gained, lost, total) > target) a = middle;
      else b = middle;
    }
    return (a + b) / 2;
  };
  return {
    low: observed === -1 ? -1 : solve(z, -1, observed),
    high: observed === 1 ? 1 : solve(-z, observed, 1),
  };
}

function statistic(delta: number, gained: number, lost: number, total: number): number {
  const a = 2 * total;
  const b = -gained - lost + (2 * total - gained + lost) * delta;
  const c = -lost * delta * (1 - delta);
  const losses = Math.max(0, (Math.sqrt(Math.max(0, b * b - 4 * a * c)) - b) / (2 * a));
  const variance = total * (2 * losses + delta * (1 - delta));
  const distance = gained - lost - total * delta;
  if (variance <= 0) return distance === 0 ? 0 : distance > 0 ? Infinity : -Infinity;
  return distance / Math.sqrt(variance);
}

function zOf(confidence: number): number {
  if (confidence > 0 && confidence < 1) return twoSidedZ(confidence);
  throw new RedistillError(
    "usage",
    `confidence: ${confidence} is not between 0 and 1`,
    "Give a confidence such as 0.95.",
  );
}

function assertCounts(total: number, a: number, b: number): void {
  const whole = [total, a, b].every((count) => Number.isInteger(count) && count >= 0);
  if (whole && a + b <= total) return;
  throw new RedistillError(
    "internal",
    `an interval of impossible counts: ${a} and ${b} of ${total}`,
    "Report this with the run's database.",
  );
}
