import type {
  Lever,
  LeverSettings,
  Observation,
  PolicyDecision,
  RetentionSeen,
  RoundSeen,
} from "../../core/policy.js";
import { forgot, latest } from "../evidence.js";
import { choose, figure, type Grounds, move, nothingToSay, type Rule, share } from "../rule.js";
import { dose, mildest, relaxed } from "./relaxing.js";

/** The least that is left of a dose that was too large. */
const harshest = 1 / 3;

/**
 * After a round that was rejected for what it forgot, of the suite that is furthest beyond its margin: restart from the base, train at a smaller dose, rehearse more, learn
 * from fewer examples than it had; the first that is possible, and two of them when it happened twice in a row. After two
 * rounds that kept twice what they had to, the last of these steps is taken back, one at a time (relaxing.ts).
 *
 * The dose is epochs × rate. Smaller rates and fewer steps forget less: Biderman et al. 2024, "LoRA Learns Less and Forgets
 * Less". Rehearsal: Huang et al. 2024, "Mitigating Catastrophic Forgetting in Large Language Models with Self-Synthesized
 * Rehearsal". Restarting from the base: Singh et al. 2024, "Beyond Human Data" (ReST-EM). That the dose comes before
 * rehearsal was measured here (docs/LOG.md, 2026-11-28).
 */
export const forgetting: Rule = (observation, settings) => {
  const recent = latest(observation, 2);
  const last = recent.at(-1);
  if (last?.retention == null) return nothingToSay;
  const { worst, margin, suite } = last.retention;
  const saw = { worst: figure(worst), margin, ...(suite === undefined ? {} : { suite }) };
  if (!forgot(last)) return relaxed(observation, settings);
  const twice = recent.length === 2 && recent.every(forgot);
  const what = suite === undefined ? "the retention suite" : `the retention suite ${suite}`;
  const because = `it may have forgotten ${share(worst)} of ${what}, ${share(margin)} is allowed`;
  const grounds = { rule: "forgetting", because, saw };
  const moved = (lever: Lever, to: number) => move(observation, settings, lever, to, grounds);
  const steps: PolicyDecision[][] = [
    choose(settings, "retrain.from", "base", grounds),
    smallerDose(observation, settings, doseLeftOf(last), grounds),
    moved("curate.replay.ratio", raised(settings["curate.replay.ratio"])),
    fewerExamples(observation, settings, last, grounds),
  ];
  const possible = steps.filter((decisions) => decisions.length > 0);
  return { decisions: possible.slice(0, twice ? 2 : 1).flat() };
};

/** As much as all suites that lost too much leave: the least of them. */
function doseLeftOf({ retention, retentionSuites }: RoundSeen): number {
  const lost = (retentionSuites ?? [retention!]).filter(({ worst, margin }) => worst > margin);
  return Math.min(...lost.map(doseLeft));
}

/**
 * The share of the dose at which the interval would end at the margin, if what is lost grew in proportion to the dose and
 * the interval stayed as wide.
 */
function doseLeft({ tasks, baseline, candidate, worst, margin }: RetentionSeen): number {
  const lost = (baseline - candidate) / tasks;
  const allowed = margin - (worst - lost);
  return lost > 0 ? Math.min(mildest, Math.max(harshest, allowed / lost)) : mildest;
}

/** Fewer epochs, and what these cannot do by a smaller rate. */
function smallerDose(
  observation: Observation,
  settings: LeverSettings,
  part: number,
  grounds: Grounds,
): PolicyDecision[] {
  const { epochs, rate } = dose(settings);
  const fewest = observation.limits["retrain.epochs"]?.least ?? 1;
  const fewer = Math.max(fewest, Math.round(epochs * part));
  const smaller = rate * Math.min(1, (part * epochs) / fewer);
  return [
    ...move(observation, settings, "retrain.epochs", fewer, grounds),
    ...move(observation, settings, "retrain.learningRate", smaller, grounds),
  ];
}

const raised = (ratio: unknown) => Math.max(Number(ratio) * 1.5, Number(ratio) + 0.1);

/** Fewer than the round had, which may be fewer than it might have had; nothing where the limits do not reach so far. */
function fewerExamples(
  observation: Observation,
  settings: LeverSettings,
  { examples }: RoundSeen,
  grounds: Grounds,
): PolicyDecision[] {
  const maximum = Number(settings["curate.maximum"]);
  const fewer = Math.min(maximum, examples) * mildest;
  return move(observation, settings, "curate.maximum", fewer, grounds).filter(
    ({ to }) => Number(to) < examples,
  );
}
