import { betaQuantile } from "./beta.js";
import type { Interval } from "./intervals.js";
import { twoSidedZ } from "./normal.js";

/**
 * The exact interval of a share of independent items (Clopper and Pearson 1934): it holds the true
 * share with at least this confidence. Without items it is everything from 0 to 1.
 */
export function exactInterval(count: number, of: number, confidence = 0.95): Interval {
  const tail = (1 - confidence) / 2;
  return {
    low: count === 0 ? 0 : betaQuantile(tail, count, of - count + 1),
    high: count === of ? 1 : betaQuantile(1 - tail, count + 1, of - count),
  };
}

/**
 * The score interval of a share of independent items (Wilson 1927, JASA 22:209–212), as most papers
 * print it: narrower than {@link exactInterval}, and right on average rather than at least. Without
 * items it is everything from 0 to 1.
 */
export function wilsonInterval(count: number, of: number, confidence = 0.95): Interval {
  if (of === 0) return { low: 0, high: 1 };
  const z = twoSidedZ(confidence);
  const [share, extra] = [count / of, z ** 2 / of];
  const middle = (share + extra / 2) / (1 + extra);
  const reach = (Math.sqrt((share * (1 - share) + extra / 4) / of) * z) / (1 + extra);
  return {
    low: count === 0 ? 0 : middle - reach,
    high: count === of ? 1 : middle + reach,
  };
}

/**
 * The interval of the difference of two shares of independent items, second - first (Newcombe 1998, Statistics in
 * Medicine 17:873–890, method 10): of their score intervals, squared and added. Without items on one side it is
 * everything that the other one leaves.
 *
 * @param first How many of how many.
 */
export function shareDifference(
  first: readonly [count: number, of: number],
  second: readonly [count: number, of: number],
  confidence = 0.95,
): Interval & { readonly difference: number } {
  const share = ([count, of]: readonly [number, number]) => (of === 0 ? 0.5 : count / of);
  const [p, q] = [share(first), share(second)];
  const [a, b] = [wilsonInterval(...first, confidence), wilsonInterval(...second, confidence)];
  return {
    difference: q - p,
    low: q - p - Math.hypot(q - b.low, a.high - p),
    high: q - p + Math.hypot(b.high - q, p - a.low),
  };
}
