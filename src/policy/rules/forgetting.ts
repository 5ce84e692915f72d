import type {
  Lever,
  LeverSettings,
  Observation,
  PolicyDecision,
  RoundSeen,
} from "../../core/policy.js";
import { forgot, latest } from "../evidence.js";
import { choose, figure, type Grounds, move, nothingToSay, type Rule, share } from "../rule.js";

type Retention = NonNullable<RoundSeen["retention"]>;

const rule = "forgetting";

/** What is left of a dose that was too large, at least and at most. */
const [least, most] = [1 / 3, 0.7];

/**
 * After a round that was rejected for what it forgot: restart from the base, train at a smaller dose, rehearse more, learn
 * from fewer examples; the first that is possible, and two of them when it happened twice in a row. After two rounds that
 * kept twice what they had to, rate and rehearsal go back a step towards the recipe.
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
  const { worst, margin } = last.retention;
  const saw = { worst: figure(worst), margin };
  if (!forgot(last)) return relaxed(observation, settings);
  const twice = recent.length === 2 && recent.every(forgot);
  const because = `it may have forgotten ${share(worst)} of the retention suite, ${share(margin)} is allowed`;
  const grounds = { rule, because, saw };
  const moved = (lever: Lever, to: number) => move(observation, settings, lever, to, grounds);
  const steps: PolicyDecision[][] = [
    choose(settings, "retrain.from", "base", grounds),
    smallerDose(observation, settings, doseLeft(last.retention), grounds),
    moved("curate.replay.ratio", raised(settings["curate.replay.ratio"])),
    moved("curate.maximum", Number(settings["curate.maximum"]) * most),
  ];
  const possible = steps.filter((decisions) => decisions.length > 0);
  return { decisions: possible.slice(0, twice ? 2 : 1).flat() };
};

/**
 * The share of the dose at which the interval would end at the margin, if what is lost grew in proportion to the dose and
 * the interval stayed as wide.
 */
function doseLeft({ tasks, baseline, candidate, worst, margin }: Retention): number {
  const lost = (baseline - candidate) / tasks;
  const allowed = margin - (worst - lost);
  return lost > 0 ? Math.min(most, Math.max(least, allowed / lost)) : most;
}

/** Fewer epochs, and what these cannot do by a smaller rate. */
function smallerDose(
  observation: Observation,
  settings: LeverSettings,
  part: number,
  grounds: Grounds,
): PolicyDecision[] {
  const [epochs, rate] = [settings["retrain.epochs"], settings["retrain.learningRate"]].map(Number);
  const fewest = observation.limits["retrain.epochs"]?.least ?? 1;
  const fewer = Math.max(fewest, Math.round(epochs! * part));
  const smaller = rate! * Math.min(1, (part * epochs!) / fewer);
  return [
    ...move(observation, settings, "retrain.epochs", fewer, grounds),
    ...move(observation, settings, "retrain.learningRate", smaller, grounds),
  ];
}

const raised = (ratio: unknown) => Math.max(Number(ratio) * 1.5, Number(ratio) + 0.1);

/** A step back towards the recipe, where the last two rounds kept more than they had to. */
const relaxed: Rule = (observation, settings) => {
  const recent = latest(observation, 2);
  const kept = recent.filter(
    ({ retention }) => retention && retention.worst < retention.margin / 2,
  );
  if (kept.length < 2) return nothingToSay;
  const worst = Math.max(...kept.map(({ retention }) => retention!.worst));
  const margin = kept[0]!.retention!.margin;
  const because = `the last two rounds forgot ${share(worst)} at most, ${share(margin)} is allowed`;
  const grounds = { rule, because, saw: { worst: figure(worst), margin } };
  const { recipe } = observation;
  const [rate, ownRate] = [settings, recipe].map((each) => Number(each["retrain.learningRate"]));
  const [ratio, ownRatio] = [settings, recipe].map((each) => Number(each["curate.replay.ratio"]));
  const steps = [
    ...(rate! < ownRate!
      ? move(
          observation,
          settings,
          "retrain.learningRate",
          Math.min(ownRate!, rate! / 0.7),
          grounds,
        )
      : []),
    ...(ratio! > ownRatio!
      ? move(
          observation,
          settings,
          "curate.replay.ratio",
          Math.max(ownRatio!, ratio! / 1.5),
          grounds,
        )
      : []),
  ];
  return { decisions: steps.slice(0, 1) };
};
