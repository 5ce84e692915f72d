import { isWhole } from "../core/levers.js";
import type {
  Lever,
  LeverSettings,
  LeverValue,
  Observation,
  PolicyDecision,
} from "../core/policy.js";

/** What a rule decided; empty where it has nothing to say. */
export interface Ruling {
  readonly decisions: readonly PolicyDecision[];
  /** Training tasks to take up, in their order. */
  readonly tasks?: readonly string[];
  /** Why no further round is worth its cost. */
  readonly stop?: string;
}

/**
 * One reason to do a round otherwise than the last. Pure, and told everything: the same observation gives the same
 * ruling. It reads neither seconds nor what is left of time, which differ after an interruption.
 *
 * @param settings Every lever as it is before this rule: as in the last round, with what earlier rules changed.
 */
export type Rule = (observation: Observation, settings: LeverSettings) => Ruling;

export const nothingToSay: Ruling = { decisions: [] };

/** Why something is decided: the sentence, and the figures that it rests on. */
export interface Grounds {
  readonly rule: string;
  readonly because: string;
  readonly saw: Readonly<Record<string, LeverValue | null>>;
}

/** Moves a lever with a number within its limits; nothing where it lacks, or is there already. */
export function move(
  observation: Observation,
  settings: LeverSettings,
  lever: Lever,
  to: number,
  grounds: Grounds,
): PolicyDecision[] {
  const from = settings[lever];
  const limit = observation.limits[lever];
  if (typeof from !== "number" || limit === undefined) return [];
  // A whole number moves by one at least, in the direction that is meant.
  const stepped = isWhole(lever) ? (to > from ? Math.ceil(to) : Math.floor(to)) : rounded(to);
  const within = Math.min(limit.most, Math.max(limit.least, stepped));
  if (within === from || Math.sign(within - from) !== Math.sign(to - from)) return [];
  return [{ ...grounds, what: lever, from, to: within }];
}

/** Sets a lever that is chosen; nothing where it lacks, or is so already. */
export function choose(
  settings: LeverSettings,
  lever: Lever,
  to: LeverValue,
  grounds: Grounds,
): PolicyDecision[] {
  const from = settings[lever];
  return from === undefined || from === to ? [] : [{ ...grounds, what: lever, from, to }];
}

/** Four digits: what is read in a report is what was set. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Whether a lever cannot be moved any further that way. */
export function isAt(
  observation: Observation,
  settings: LeverSettings,
  lever: Lever,
  end: "least" | "most",
): boolean {
  const limit = observation.limits[lever];
  return limit === undefined || settings[lever] === limit[end];
}

/** 0.4567 → 0.457: figures of a decision. */
export function figure(value: number): number {
  return Number(value.toPrecision(3));
}

/** 0.4567 → "46%". */
export function share(value: number): string {
  return `${Math.round(value * 100)}%`;
}
