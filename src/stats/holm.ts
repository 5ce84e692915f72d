/**
 * p-values adjusted for their number, in the order given (Holm 1979, Scandinavian Journal of Statistics
 * 6:65–70): the i-th smallest of m becomes max over j <= i of (m - j + 1) p₍ⱼ₎, at most 1. Those at
 * or below alpha may all be claimed; the chance of any wrong claim is at most alpha, however the
 * comparisons depend on each other (arms share their drafts and their baseline).
 *
 * @example
 * holm([0.01, 0.04, 0.03]) // [0.03, 0.06, 0.06]
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted: number[] = new Array(pValues.length);
  let largest = 0;
  for (const [rank, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[i]!));
    adjusted[i] = largest;
  }
  return adjusted;
}
