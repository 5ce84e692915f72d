import { mean } from "./averages.js";
import { logGamma } from "./beta.js";
import type { Interval } from "./intervals.js";
import { exactInterval } from "./proportion.js";

/**
 * Cohen's d of paired differences, one for each task: mean / standard deviation (d_z: Cohen 1988, 2.3;
 * Lakens 2013), times Hedges' correction for few tasks, Γ(m/2) / (√(m/2) Γ((m-1)/2)) with m = n - 1
 * (Hedges 1981). 0.2 is called small, 0.5 medium, 0.8 large; for right and wrong it is at most
 * mean / √(share discordant - mean²), so tell it together with the difference in points.
 *
 * @returns null with fewer than three tasks, or where all differences are the same.
 */
export function pairedCohensD(differences: readonly number[]): number | null {
  const average = mean(differences);
  const degrees = differences.length - 1;
  if (average === null || degrees < 2) return null;
  const squares = differences.reduce((sum, value) => sum + (value - average) ** 2, 0);
  if (squares === 0) return null;
  const half = degrees / 2;
  const correction = Math.exp(logGamma(half) - Math.log(half) / 2 - logGamma(half - 0.5));
  return (correction * average) / Math.sqrt(squares / degrees);
}

/**
 * The odds of a gain against a loss, gained / lost: the odds ratio of McNemar's test, conditional on
 * the task (Agresti 2013, 11.2). Its exact interval is that of Clopper and Pearson (1934) for
 * π = gained / (gained + lost), as π / (1 - π). It does not tell how many tasks were discordant.
 *
 * @returns null without discordant pairs; Infinity where nothing was lost.
 */
export function discordantOdds(
  gained: number,
  lost: number,
  confidence: number,
): (Interval & { readonly odds: number }) | null {
  if (gained + lost === 0) return null;
  const share = exactInterval(gained, gained + lost, confidence);
  const oddsOf = (p: number) => (p >= 1 ? Infinity : p / (1 - p));
  return {
    odds: gained / lost,
    low: oddsOf(share.low),
    high: oddsOf(share.high),
  };
}

/**
 * Cliff's delta within tasks: the share of tasks that got better less the share that got worse (d_w of
 * Cliff 1993, Psychological Bulletin 114:494–509). From -1 to 1; by how much a task got better does
 * not count, which suits scores of unequal tasks. With one verdict a task it is the difference itself.
 *
 * @returns null without tasks.
 */
export function pairedDominance(differences: readonly number[]): number | null {
  return mean(differences.map(Math.sign));
}
