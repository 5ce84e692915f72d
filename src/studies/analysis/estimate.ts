import type { TestedEstimate, VarianceComponents } from "../../stats/index.js";
import { exactInterval, exactMcNemar, mixedDifference, tango } from "../../stats/index.js";

/**
 * What a figure is said of. `method`: new tasks and a new training, which takes two seeds or more.
 * `weights`: new tasks and this one training.
 */
export type Claim = "method" | "weights";

export interface ClaimedEstimate extends TestedEstimate {
  readonly claim: Claim;
  /** Null with one seed, where they cannot be told apart. */
  readonly components: VarianceComponents | null;
  /** Every task and seed gave the same; the interval is then not that of a t-test. */
  readonly constant: boolean;
}

/**
 * The mean of paired differences with its interval: `mixedDifference`, as a claim about the method where
 * there are seeds enough for one. Where nothing varied a t-test has no width to give, so that interval and p
 * are those of Tango and McNemar for as many tasks.
 *
 * @param values A row for each task (two at least), a column for each seed.
 */
export function differenceOf(
  values: readonly (readonly number[])[],
  confidence: number,
): ClaimedEstimate {
  const estimate = claimed(values, confidence);
  if (!estimate.constant || !Number.isInteger(estimate.difference)) return estimate;
  const gained = estimate.difference > 0 ? values.length : 0;
  const lost = estimate.difference < 0 ? values.length : 0;
  const p = exactMcNemar(gained, lost).different;
  return { ...estimate, ...tango(gained, lost, values.length, confidence), p };
}

/**
 * The mean of scores in 0 to 1 with its interval, cut to that range. With one training it is the exact interval of a
 * share (Clopper and Pearson), and so it is where nothing varied.
 */
export function shareOf(
  scores: readonly (readonly number[])[],
  confidence: number,
): { share: number; low: number; high: number; claim: Claim } {
  const { difference: share, low, high, claim, constant } = claimed(scores, confidence);
  if (claim === "weights" || constant) {
    const count = Math.round(share * scores.length);
    return { share, ...exactInterval(count, scores.length, confidence), claim };
  }
  return { share, low: Math.max(0, low), high: Math.min(1, high), claim };
}

function claimed(values: readonly (readonly number[])[], confidence: number): ClaimedEstimate {
  const { method, weights } = mixedDifference(values, confidence);
  const first = values[0]![0];
  return {
    components: null,
    ...(method ?? weights),
    claim: method === null ? "weights" : "method",
    constant: values.every((row) => row.every((value) => value === first)),
  };
}
