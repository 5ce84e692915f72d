import type { LeverSettings } from "../../core/policy.js";
import { latest } from "../evidence.js";
import { nothingToSay, type Rule } from "../rule.js";

/** Rounds without a promotion after which nothing more is hoped for. */
const patience = 3;

/**
 * Asks to stop when the last rounds gained nothing and there is nothing left to try: no rule moved a lever now, none had
 * moved one before the last round, and every task that may be learned from was taken up. Early stopping with patience
 * (Prechelt 1998); a recipe's own `stop` is asked before any policy.
 */
export const plateau: Rule = (observation, settings) => {
  const recent = latest(observation, patience);
  if (recent.length < patience || recent.some(({ outcome }) => outcome === "promoted")) {
    return nothingToSay;
  }
  const untried = observation.tasks.filter(({ tries }) => tries.length === 0).length;
  const same = recent.slice(-2).every((round) => equal(round.settings, settings));
  if (untried > 0 || !same) return nothingToSay;
  const because = `the last ${patience} rounds gained nothing, and no rule has anything left to try within its limits`;
  const saw = { rounds: patience, untried };
  return {
    stop: because,
    decisions: [{ rule: "plateau", what: "stop", from: null, to: null, because, saw }],
  };
};

function equal(a: LeverSettings, b: LeverSettings): boolean {
  const keys = Object.keys({ ...a, ...b }) as (keyof LeverSettings)[];
  return keys.every((key) => a[key] === b[key]);
}
