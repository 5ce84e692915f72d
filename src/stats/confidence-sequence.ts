import { RedistillError } from "../core/errors.js";
import type { Interval } from "./intervals.js";

/**
 * An interval for the mean of paired differences in [-1, 1] that holds at every look at once: however
 * often one looks, and whenever one stops, the chance that it ever misses the mean is at most
 * 1 - confidence, without any assumption on the differences' shape. For studies that may be stopped
 * anywhere.
 *
 * The hedged capital process of Waudby-Smith and Ramdas (2024, "Estimating means of bounded random
 * variables by betting", JRSS B 86:1–27, section 4) over x = (difference + 1) / 2: against each
 * mean m somebody bets λₜ that x is larger and somebody that it is smaller,
 *
 *   K⁺ₜ(m) = Π (1 + min(λᵢ, 1/2m) (xᵢ - m)),   K⁻ₜ(m) = Π (1 - min(λᵢ, 1/2(1-m)) (xᵢ - m)),
 *   λₜ = √(2 ln(2/α) / (σ²ₜ₋₁ t ln(1 + t))), σ² the variance of what was seen before, from 1/4 on,
 *
 * and m is out once either capital reached 2/α (Ville 1939). It is wider than an interval for one
 * look; for a study that ends as planned, `mixedDifference` and `bootstrapByTask` tell more.
 *
 * @param differences one for each task (a task's mean over its seeds), in an order that does not depend
 *   on answers.
 */
export function confidenceSequence(differences: readonly number[], confidence: number): Interval {
  if (differences.some((value) => !(value >= -1 && value <= 1))) {
    throw new RedistillError(
      "internal",
      "a confidence sequence of differences outside -1 to 1",
      "Report this with the study's database.",
    );
  }
  const alpha = 1 - confidence;
  const shares = differences.map((difference) => (difference + 1) / 2);
  const mirrored = shares.map((share) => 1 - share);
  const bets = plugInBets(shares, alpha);
  return {
    low: 2 * lowEnd(shares, bets, alpha) - 1,
    high: 1 - 2 * lowEnd(mirrored, bets, alpha),
  };
}

/** λₜ for each t; the same for x and for 1 - x, since their variance is the same. */
function plugInBets(shares: readonly number[], alpha: number): number[] {
  let [sum, squares, variance] = [0.5, 0.25, 0.25];
  return shares.map((share, i) => {
    const t = i + 1;
    const stake = Math.sqrt((2 * Math.log(2 / alpha)) / (variance * t * Math.log(1 + t)));
    sum += share;
    squares += (share - sum / (t + 1)) ** 2;
    variance = squares / (t + 1);
    return stake;
  });
}

/** The largest mean that the bets on "larger" have ruled out: their capital falls in m. */
function lowEnd(shares: readonly number[], bets: readonly number[], alpha: number): number {
  const needed = Math.log(2 / alpha);
  const isOut = (m: number) => {
    let capital = 0;
    for (const [i, share] of shares.entries()) {
      capital += Math.log1p(Math.min(bets[i]!, 1 / (2 * m)) * (share - m));
      if (capital >= needed) return true;
    }
    return false;
  };
  let [low, high] = [0, 1];
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (isOut(middle)) low = middle;
    else high = middle;
  }
  return low;
}
