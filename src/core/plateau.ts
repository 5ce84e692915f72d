import { z } from "zod";
import type { Decision } from "./entities.js";
import { lookDifference } from "./look.js";
import { points } from "./points.js";

/**
 * When a run ends before its last round: after so many rounds that together raised the incumbent's
 * share of the gate suite by no more than `minimumGain`. With 0, these are rounds without a promotion.
 *
 * This is early stopping with patience (Prechelt, "Early Stopping – But When?", 1998, criterion UP)
 * and a smallest difference that counts. It goes by the gate's suite alone: the sealed one decides nothing.
 */
export const stopSchema = z.strictObject({
  afterRounds: z.number().int().min(1).max(1000).default(3),
  /** A share of the gate suite, 0 to 1. */
  minimumGain: z.number().min(0).max(1).default(0),
});

type StopRule = z.infer<typeof stopSchema>;

/** The rounds in which too little was gained. */
export interface Plateau {
  readonly rounds: number;
  /** What their promotions gained together, as a share of the gate suite. */
  readonly gain: number;
  readonly minimumGain: number;
}

/**
 * Whether the rounds decided so far, in their order, are on a plateau by the recipe's rule. It reads
 * nothing else, so that a run that was disturbed ends after the same round.
 */
export function plateauOf(
  rule: StopRule | null,
  decisions: readonly Pick<Decision, "outcome" | "gate" | "look">[],
): Plateau | null {
  if (rule === null || decisions.length < rule.afterRounds) return null;
  let gain = 0;
  for (const { outcome, gate, look } of decisions.slice(-rule.afterRounds)) {
    if (outcome !== "promoted" || gate === null) continue;
    gain += look ? lookDifference(look) : (gate.candidate.ok - gate.baseline.ok) / gate.tasks;
  }
  // Shares are sums of fractions: a gain of exactly the minimum must not depend on rounding.
  if (gain > rule.minimumGain + 1e-9) return null;
  return { rounds: rule.afterRounds, gain, minimumGain: rule.minimumGain };
}

/** "the last 3 rounds gained +0.0 points on the gate suite; more than +0.0 was wanted". */
export function plateauText({ rounds, gain, minimumGain }: Plateau): string {
  const last = rounds === 1 ? "the last round" : `the last ${rounds} rounds`;
  return `${last} gained ${points(gain)} points on the gate suite; the recipe goes on only above ${points(minimumGain)} (stop.afterRounds ${rounds})`;
}
