import type { LeverSettings, Observation, RoundSeen } from "../../core/policy.js";
import { attemptYield, latest, revisionYield } from "../evidence.js";
import { choose, figure, type Grounds, nothingToSay, type Rule, share } from "../rule.js";

const rule = "critique-pays";

/** Rounds that are looked back on. */
const window = 6;
/** Answers or tasks without which nothing is decided. */
const enough = 10;
/** Rounds without a critique after which it is tried again: the student has changed. */
const retryAfter = 3;
/** A critique may cost twice what further attempts do: its fixed answers are of tasks that these do not solve. */
const worth = 0.5;

/**
 * Whether wrong attempts are criticised, or just rewritten. Off when critiques lately broke as large a share of right
 * answers as they fixed of wrong ones (`examine`), when rewriting without them fixed more for a token, or, before that
 * was tried, when further attempts solved more than twice as much for one; on again after three rounds.
 *
 * That models often cannot correct themselves: Huang et al. 2024, "Large Language Models Cannot Self-Correct Reasoning
 * Yet"; that second tries are to be compared at equal cost: Olausson et al. 2024, "Is Self-Repair a Silver Bullet for
 * Code Generation?".
 */
export const critiquePays: Rule = (observation, settings) => {
  if (settings.critique === undefined) return nothingToSay;
  const recent = latest(observation, window);
  const withIt = recent.filter((round) => round.settings.critique === true && round.revisions);
  const without = recent.filter((round) => round.settings.critique === false && round.revisions);
  if (settings.critique === false) return triedAgain(observation, settings, { withIt, without });
  const why = brokeMore(withIt) ?? costsMore(observation, withIt, without);
  return why === null ? nothingToSay : { decisions: choose(settings, "critique", false, why) };
};

function brokeMore(rounds: readonly RoundSeen[]): Grounds | null {
  const sum = (key: keyof NonNullable<RoundSeen["examined"]>) =>
    rounds.slice(-3).reduce((total, { examined }) => total + (examined?.[key] ?? 0), 0);
  const [wrong, fixed, right, broken] = [sum("wrong"), sum("fixed"), sum("right"), sum("broken")];
  if (Math.min(wrong, right) < enough || broken / right < fixed / wrong) return null;
  const because = `it broke ${share(broken / right)} of right answers and fixed ${share(fixed / wrong)} of wrong ones`;
  return { rule, because, saw: { wrong, fixed, right, broken } };
}

function costsMore(
  observation: Observation,
  withIt: readonly RoundSeen[],
  without: readonly RoundSeen[],
): Grounds | null {
  const own = revisionYield(withIt.slice(-2));
  if (own === null || withIt.length < 2 || own.asked < enough) return null;
  const silent = revisionYield(without);
  if (silent !== null && silent.asked >= enough) {
    if (own.perToken >= silent.perToken) return null;
    const because = `rewriting with it fixed ${perThousand(own)} tasks for a thousand tokens, without it ${perThousand(silent)}`;
    return { rule, because, saw: { with: figure(own.perToken), without: figure(silent.perToken) } };
  }
  const yields = withIt.slice(-2).map((round) => attemptYield(observation, round)?.perToken ?? 0);
  const attempts = Math.min(...yields);
  if (own.perToken >= worth * attempts) return null;
  const because = `it fixed ${perThousand(own)} tasks for a thousand tokens, further attempts solved ${perThousand({ perToken: attempts })}`;
  return { rule, because, saw: { with: figure(own.perToken), attempts: figure(attempts) } };
}

function triedAgain(
  { rounds }: Observation,
  settings: LeverSettings,
  { withIt, without }: { withIt: readonly RoundSeen[]; without: readonly RoundSeen[] },
) {
  const on = rounds.findLastIndex((round) => round.settings.critique === true);
  const off = rounds.length - 1 - on;
  const [own, silent] = [revisionYield(withIt.slice(-2)), revisionYield(without)];
  // One that was never on is the recipe's own way.
  if (on < 0) return nothingToSay;
  if (own && silent && silent.asked >= enough && silent.perToken < own.perToken) {
    const because = `rewriting without it fixed ${perThousand(silent)} tasks for a thousand tokens, with it ${perThousand(own)}`;
    const saw = { with: figure(own.perToken), without: figure(silent.perToken) };
    return { decisions: choose(settings, "critique", true, { rule, because, saw }) };
  }
  if (off < retryAfter) return nothingToSay;
  const because = `${off} rounds went without it, and the student has changed since`;
  return { decisions: choose(settings, "critique", true, { rule, because, saw: { off } }) };
}

function perThousand({ perToken }: { readonly perToken: number }): number {
  return figure(perToken * 1000);
}
