import type { Observation, RoundSeen } from "../../core/policy.js";
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
 * was tried, when further attempts solved more than twice as much for one; on again after three rounds. The rounds since
 * it was last turned count, and those just before to compare with: the student was another one in older rounds.
 *
 * That models often cannot correct themselves: Huang et al. 2024, "Large Language Models Cannot Self-Correct Reasoning
 * Yet"; that second tries are to be compared at equal cost: Olausson et al. 2024, "Is Self-Repair a Silver Bullet for
 * Code Generation?".
 */
export const critiquePays: Rule = (observation, settings) => {
  if (settings.critique === undefined) return nothingToSay;
  const { now, before } = stretches(observation);
  const on = settings.critique === true;
  const why = on
    ? (brokeMore(now) ?? costsMore(observation, now, before))
    : (costsLess(now, before) ?? longOff(observation));
  return why === null ? nothingToSay : { decisions: choose(settings, "critique", !on, why) };
};

/** Rounds with revisions since the critique was last turned on or off, and those of the time before that. */
function stretches(observation: Observation): {
  readonly now: readonly RoundSeen[];
  readonly before: readonly RoundSeen[];
} {
  const recent = latest(observation, window);
  const last = recent.at(-1)?.settings.critique;
  const since = recent.findLastIndex(({ settings }) => settings.critique !== last) + 1;
  const older = recent.slice(0, since);
  const from = older.findLastIndex(({ settings }) => settings.critique === last) + 1;
  // Of a round that tried another prompt the half that had its own.
  const revised = (rounds: readonly RoundSeen[]) =>
    rounds
      .filter(({ revisions }) => revisions)
      .map((round) => (round.trial ? { ...round, revisions: round.trial.own } : round));
  return { now: revised(recent.slice(since)), before: revised(older.slice(from)) };
}

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
  const unlooked = withIt.some(({ examined }) => examined)
    ? ""
    : "; whether it breaks right answers was not looked at (examine)";
  const silent = revisionYield(without);
  if (silent !== null && silent.asked >= enough) {
    if (own.perToken >= silent.perToken) return null;
    const because = `rewriting with it fixed ${perThousand(own)} tasks for a thousand tokens, without it ${perThousand(silent)}${unlooked}`;
    return { rule, because, saw: { with: figure(own.perToken), without: figure(silent.perToken) } };
  }
  const yields = withIt.slice(-2).map((round) => attemptYield(observation, round)?.perToken ?? 0);
  const attempts = Math.min(...yields);
  if (own.perToken >= worth * attempts) return null;
  const because = `it fixed ${perThousand(own)} tasks for a thousand tokens, further attempts solved ${perThousand({ perToken: attempts })}${unlooked}`;
  return { rule, because, saw: { with: figure(own.perToken), attempts: figure(attempts) } };
}

function costsLess(without: readonly RoundSeen[], withIt: readonly RoundSeen[]): Grounds | null {
  const [own, silent] = [revisionYield(withIt.slice(-2)), revisionYield(without)];
  if (!own || !silent || silent.asked < enough || silent.perToken >= own.perToken) return null;
  const because = `rewriting without it fixed ${perThousand(silent)} tasks for a thousand tokens, with it ${perThousand(own)}`;
  const saw = { with: figure(own.perToken), without: figure(silent.perToken) };
  return { rule, because, saw };
}

/** One that was never on is the recipe's own way. */
function longOff({ rounds }: Observation): Grounds | null {
  const on = rounds.findLastIndex((round) => round.settings.critique === true);
  const off = rounds.length - 1 - on;
  if (on < 0 || off < retryAfter) return null;
  return {
    ...{ rule, because: `${off} rounds went without it, and the student has changed since` },
    saw: { off },
  };
}

function perThousand({ perToken }: { readonly perToken: number }): number {
  return figure(perToken * 1000);
}
