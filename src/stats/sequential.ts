import { RedistillError } from "../core/errors.js";
import { normalDensity, normalQuantile } from "./normal.js";

/** What one look may claim, and by when. */
export interface LookPlan {
  /** The chance of promoting a candidate that is no better: what `levelOfLook` gives. */
  readonly level: number;
  /** Tasks that will be asked at most. It may be raised later, not because of answers to come. */
  readonly horizon: number;
}

/** What a gambler owns who bets that the candidate is better. */
export interface Wealth {
  /** Began at 1; E[wealth] <= 1 at any time if the candidate is no better. An e-value. */
  readonly value: number;
  readonly tasks: number;
  /** Sum of squared differences. */
  readonly squares: number;
}

export type SequentialOutcome = "better" | "hopeless" | "open";

/** Before the first task. */
export const noEvidence: Wealth = { value: 1, tasks: 0, squares: 0 };

/** Stopping this early before certainty costs a fifth of the level; see docs/decisions/016. */
const curtailment = 0.8;
/** Wealth below which a look is given up. Stopping is free of error, but not of missed gains. */
const ruin = 0.05;
/** Less than 1, so that no single loss takes everything. */
const largestBet = 0.95;
/** What variance to expect before anything is seen, and how many tasks that guess is worth. */
const guess = { variance: 0.15, tasks: 20 };

/**
 * One more task: bets a share λ of the wealth on its difference, candidate - incumbent in [-1, 1] (-1, 0
 * or 1 for single verdicts, a difference of means for several attempts), and wins or loses λ × difference.
 *
 * **Valid at any time.** λ is chosen before the difference is seen and the bet is fair or worse if
 * the candidate is no better, so wealth is a supermartingale and P(wealth ever >= 1/level) <= level
 * (Ville 1939; testing by betting: Shafer 2021; Waudby-Smith and Ramdas 2024, JRSS B 86:1–27).
 * How λ is chosen can cost power, never validity.
 *
 * **Nearly as strong as the exact test at the horizon.** λ is the stake that makes it likeliest to
 * own 1/level by a deadline: the hedge of a digital option,
 *
 *   λ = φ(Φ⁻¹(w)) / (w √(σ² × tasks left)), w = curtailment × level × wealth,
 *
 * optimal for Brownian motion whatever its drift, with the power of the best test for that deadline
 * (Kulldorff 1993, SIAM J. Control Optim. 31:52–69; Browne 1999, Adv. Appl. Prob. 31:551–577; as tests:
 * Koning and van Meer 2025, arXiv:2501.03982). w is about the chance of succeeding by luck from here on;
 * the look ends as soon as that is `curtailment` (stochastic curtailment: Lan, Simon and Halperin 1982).
 * σ² is the mean square of what was seen, with a guess to begin with.
 */
export function bet(wealth: Wealth, difference: number, plan: LookPlan): Wealth {
  if (!(difference >= -1 && difference <= 1)) {
    throw new RedistillError(
      "internal",
      `a paired difference of ${difference} in the gate`,
      "Report this with the run's database.",
    );
  }
  return {
    value: wealth.value * (1 + stake(wealth, plan) * difference),
    tasks: wealth.tasks + 1,
    squares: wealth.squares + difference * difference,
  };
}

function stake({ value, tasks, squares }: Wealth, { level, horizon }: LookPlan): number {
  const goal = curtailment * level * value;
  if (tasks >= horizon || goal >= curtailment) return 0;
  const variance = (guess.variance * guess.tasks + squares) / (guess.tasks + tasks);
  const hedge = normalDensity(normalQuantile(goal)) / goal;
  return Math.min(largestBet, hedge / Math.sqrt(variance * (horizon - tasks)));
}

/** Whether a look has ended: with a claim, without hope, or when its tasks are used up ("open"). */
export function outcomeOf({ value }: Wealth, { level }: LookPlan): SequentialOutcome {
  if (value * level >= 1) return "better";
  return value < ruin ? "hopeless" : "open";
}

export interface SequentialLook {
  readonly outcome: SequentialOutcome;
  /** Tasks that were needed for it. */
  readonly tasks: number;
  readonly wealth: number;
}

/**
 * One look at a candidate, task by task until there is an outcome.
 *
 * @param differences in an order that does not depend on answers, such as a shuffle by the run's seed.
 *
 * @example
 * sequentialLook(differences, { level: 0.05 / 8, horizon: 400 })
 */
export function sequentialLook(differences: Iterable<number>, plan: LookPlan): SequentialLook {
  let wealth = noEvidence;
  for (const difference of differences) {
    if (wealth.tasks >= plan.horizon || outcomeOf(wealth, plan) !== "open") break;
    wealth = bet(wealth, difference, plan);
  }
  return { outcome: outcomeOf(wealth, plan), tasks: wealth.tasks, wealth: wealth.value };
}
