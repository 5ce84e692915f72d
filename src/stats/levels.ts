import { alphaForLook } from "./looks.js";

/** What became of an earlier look. Only a rejection uses its share of alpha up. */
export type LookOutcome = "promoted" | "rejected" | "skipped";

/**
 * The level of the next look when shares that were not lost are handed on: alpha / looks, and on top the
 * shares of the looks right before it that had no candidate or ended in a promotion (the fallback
 * procedure: Wiens 2003; as closed test: Wiens and Dmitrienko 2005; online: Tian and Ramdas 2021).
 * Never less than `alphaForLook`.
 *
 * P(any wrong promotion) <= alpha still, whatever the dependence: the level of a look whose candidate is
 * no better is at most the sum of the shares since the look before it that was no better, and these sums
 * add up to alpha. What is assumed is what Bonferroni's bound assumes too: each look is valid by itself.
 *
 * @example
 * levelOfLook(0.05, 5, ["rejected", "skipped"]) // 0.02: its own share and that of the skipped look
 */
export function levelOfLook(alpha: number, looks: number, earlier: readonly LookOutcome[]): number {
  // Looks beyond the planned ones bring no share of their own.
  const shares = Math.min(earlier.length + 1, looks) - (earlier.lastIndexOf("rejected") + 1);
  return alphaForLook(alpha, looks) * Math.max(0, shares);
}
