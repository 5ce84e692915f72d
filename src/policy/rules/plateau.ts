import type { LeverSettings, Observation, RoundSeen } from "../../core/policy.js";
import { fewestAnswers, forgot, latest, trainsAlike } from "../evidence.js";
import { figure, type Grounds, nothingToSay, type Rule, type Ruling, share } from "../rule.js";

/** Rounds without a promotion after which nothing more is hoped for, where there is nothing left to try. */
const patience = 3;

/**
 * Asks to stop when the last three rounds gained nothing and there is nothing left to try: no rule moved a lever now, none
 * had moved one before the last round, and every task that may be learned from was taken up in the rounds that are seen.
 * A large pool always has tasks left, so that it also asks when six rounds in a row gained nothing and the candidates of
 * the last three did no better on validation tasks than those of the three before, whatever is left; but not while
 * another dose is tried since the last one forgot too much. Without validation tasks it cannot tell, and goes on.
 *
 * Early stopping with patience on a validation split, compared strip by strip (Prechelt 1998, "Early Stopping – But
 * When?"); a recipe's own `stop` is asked before any policy.
 */
export const plateau: Rule = (observation, settings) =>
  nothingLeft(observation, settings) ?? noLongerRising(observation, settings) ?? nothingToSay;

function nothingLeft(observation: Observation, settings: LeverSettings): Ruling | null {
  const recent = inVain(observation, patience);
  if (recent === null) return null;
  const untried = observation.tasks.filter(({ tries }) => tries.length === 0).length;
  const same = recent.slice(-2).every((round) => equal(round.settings, settings));
  if (untried > 0 || !same) return null;
  const because = `the last ${patience} rounds gained nothing, and no rule has anything left to try within its limits`;
  return stop(because, { rounds: patience, untried });
}

function noLongerRising(observation: Observation, settings: LeverSettings): Ruling | null {
  const recent = inVain(observation, 2 * patience);
  const last = recent?.at(-1);
  if (recent === null || last === undefined) return null;
  if (forgot(last) && !trainsAlike(settings, last.settings)) return null;
  const [before, now] = [recent.slice(0, patience), recent.slice(patience)].map(unseenRight);
  if (before == null || now == null || now > before) return null;
  const because = `the last ${2 * patience} rounds gained nothing, and the candidates' share of validation tasks does not rise: ${share(before)}, then ${share(now)}`;
  return stop(because, { rounds: 2 * patience, before: figure(before), now: figure(now) });
}

/** The newest rounds; null where there are fewer, or one of them was promoted. */
function inVain(observation: Observation, count: number): readonly RoundSeen[] | null {
  const recent = latest(observation, count);
  const gained = recent.some(({ outcome }) => outcome === "promoted");
  return recent.length < count || gained ? null : recent;
}

/** Of validation tasks, which nothing is learned from; null where too few were answered. */
function unseenRight(rounds: readonly RoundSeen[]): number | null {
  const sum = (key: "right" | "tasks") =>
    rounds.reduce((total, { validation }) => total + (validation?.unseen[key] ?? 0), 0);
  return sum("tasks") < fewestAnswers ? null : sum("right") / sum("tasks");
}

function stop(because: string, saw: Grounds["saw"]): Ruling {
  return {
    stop: because,
    decisions: [{ rule: "plateau", what: "stop", from: null, to: null, because, saw }],
  };
}

function equal(a: LeverSettings, b: LeverSettings): boolean {
  const keys = Object.keys({ ...a, ...b }) as (keyof LeverSettings)[];
  return keys.every((key) => a[key] === b[key]);
}
