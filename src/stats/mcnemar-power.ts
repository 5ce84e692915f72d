import { RedistillError } from "../core/errors.js";
import { logGamma } from "./beta.js";
import { fairTail } from "./mcnemar.js";

export interface PairedPlan {
  readonly tasks: number;
  /** Share of tasks on which the two models will differ: gained + lost. */
  readonly discordant: number;
  /** Level of the one-sided test; for a gate, that of one look. */
  readonly level: number;
}

/**
 * The chance that the exact one-sided McNemar test finds a gain of `difference`, over all outcomes
 * (Duffy 1984, Statistics in Medicine 3:377–386; no approximation): the discordant pairs are
 * D ~ Binomial(tasks, discordant), the gains among them Binomial(D, (1 + difference / discordant) / 2).
 *
 * @example
 * mcnemarPower({ tasks: 400, discordant: 0.15, level: 0.05 / 8 }, 0.05) // 0.49
 */
export function mcnemarPower({ tasks, discordant, level }: PairedPlan, difference: number): number {
  if (!(discordant > 0 && discordant <= 1 && Math.abs(difference) <= discordant)) {
    throw new RedistillError(
      "usage",
      `power: a difference of ${difference} with ${discordant} of the tasks discordant is not possible`,
      "The difference is at most the share of discordant tasks, which is above 0 and at most 1.",
    );
  }
  const gain = (1 + difference / discordant) / 2;
  let power = 0;
  for (let pairs = 0; pairs <= tasks; pairs++) {
    const chance = binomial(tasks, pairs, discordant);
    if (chance < 1e-14) continue;
    let tail = 0;
    for (let gained = pairs; gained >= 0 && fairTail(pairs, gained) <= level; gained--) {
      tail += binomial(pairs, gained, gain);
    }
    power += chance * tail;
  }
  return power;
}

/**
 * The smallest gain that the exact one-sided McNemar test finds with the chance `power`, as a share;
 * null where not even a gain on every discordant task would do.
 */
export function detectableGain(plan: PairedPlan, power: number): number | null {
  if (mcnemarPower(plan, plan.discordant) < power) return null;
  let [low, high] = [0, plan.discordant];
  while (high - low > 1e-6) {
    const middle = (low + high) / 2;
    if (mcnemarPower(plan, middle) < power) low = middle;
    else high = middle;
  }
  return high;
}

function binomial(n: number, k: number, p: number): number {
  if (p <= 0 || p >= 1) return k === (p <= 0 ? 0 : n) ? 1 : 0;
  const ways = logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
  return Math.exp(ways + k * Math.log(p) + (n - k) * Math.log1p(-p));
}
