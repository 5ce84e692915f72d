import { betaQuantile } from "./beta.js";
import type { Interval } from "./intervals.js";

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
