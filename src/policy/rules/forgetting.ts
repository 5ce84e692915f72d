import type { PolicyDecision } from "../../core/policy.js";
import { forgot, latest } from "../evidence.js";
import { choose, figure, move, nothingToSay, type Rule, share } from "../rule.js";

const rule = "forgetting";

/**
 * After a round that was rejected for what it forgot: restart from the base, rehearse more, train at a smaller rate, for
 * fewer epochs; the first that is possible, and two of them when it happened twice in a row. After two rounds that kept
 * twice what they had to, rate and rehearsal go back a step towards the recipe.
 *
 * Rehearsal against forgetting: Huang et al. 2024, "Mitigating Catastrophic Forgetting in Large Language Models with
 * Self-Synthesized Rehearsal". Smaller rates and fewer steps forget less: Biderman et al. 2024, "LoRA Learns Less and
 * Forgets Less". Restarting from the base: Singh et al. 2024, "Beyond Human Data" (ReST-EM).
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
  const steps: PolicyDecision[][] = [
    choose(settings, "retrain.from", "base", grounds),
    move(
      observation,
      settings,
      "curate.replay.ratio",
      raised(settings["curate.replay.ratio"]),
      grounds,
    ),
    move(
      observation,
      settings,
      "retrain.learningRate",
      Number(settings["retrain.learningRate"]) * 0.7,
      grounds,
    ),
    move(observation, settings, "retrain.epochs", Number(settings["retrain.epochs"]) - 1, grounds),
  ];
  return { decisions: steps.flat().slice(0, twice ? 2 : 1) };
};

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
