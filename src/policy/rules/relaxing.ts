import type { LeverSettings, PolicyDecision, RoundSeen } from "../../core/policy.js";
import { marginUsed, nearestToMargin } from "../../core/retention.js";
import { forgot, isFull, latest } from "../evidence.js";
import { figure, move, nothingToSay, type Rule, share } from "../rule.js";

/** What is left of a dose, or of examples, after the mildest cut; a step back is as large. */
export const mildest = 0.7;

/** How strongly a candidate is trained: what is learned and what is forgotten go by epochs × rate. */
export function dose(settings: LeverSettings): {
  readonly epochs: number;
  readonly rate: number;
  readonly size: number;
} {
  const epochs = Number(settings["retrain.epochs"]);
  const rate = Number(settings["retrain.learningRate"]);
  return { epochs, rate, size: epochs * rate };
}

/**
 * A step back towards the recipe where the last two rounds kept twice what they had to of every retention suite: of examples, of rehearsal or of
 * the dose, in this order, which is the reverse of that in which they were taken. Of the dose only what was taken after a
 * round that forgot: one that was made smaller since it learned by heart stays so.
 */
export const relaxed: Rule = (observation, settings) => {
  const { recipe } = observation;
  const recent = latest(observation, 2);
  const kept = recent.filter(
    ({ retention }) => retention !== null && retention.worst < retention.margin / 2,
  );
  if (kept.length < 2) return nothingToSay;
  const { worst, margin, suite } = nearestToMargin(
    kept.map(({ retention }) => retention!),
    (each) => marginUsed(each.worst, each.margin),
  )!;
  const of = suite === undefined ? "" : ` of ${suite}`;
  const because = `the last two rounds forgot ${share(worst)}${of} at most, ${share(margin)} is allowed`;
  const saw = { worst: figure(worst), margin, ...(suite === undefined ? {} : { suite }) };
  const grounds = { rule: "forgetting", because, saw };
  const both = (lever: "curate.maximum" | "curate.replay.ratio") =>
    [settings, recipe].map((each) => Number(each[lever])) as [number, number];
  const steps: (() => PolicyDecision[])[] = [
    () => {
      const [maximum, own] = both("curate.maximum");
      // With fewer right answers than that a larger maximum would change nothing.
      if (!(maximum < own) || !isFull(recent.at(-1)!)) return [];
      return move(
        observation,
        settings,
        "curate.maximum",
        Math.min(own, maximum / mildest),
        grounds,
      );
    },
    () => {
      const [ratio, own] = both("curate.replay.ratio");
      if (!(ratio > own)) return [];
      return move(
        observation,
        settings,
        "curate.replay.ratio",
        Math.max(own, ratio / 1.5),
        grounds,
      );
    },
    () => {
      if (!wasTaken(observation.rounds)) return [];
      const { epochs, rate } = largerDose(settings, recipe);
      return [
        ...move(observation, settings, "retrain.epochs", epochs, grounds),
        ...move(observation, settings, "retrain.learningRate", rate, grounds),
      ];
    },
  ];
  for (const step of steps) {
    const decisions = step();
    if (decisions.length > 0) return { decisions };
  }
  return nothingToSay;
};

/** Whether the dose was last made smaller after a round that forgot. */
function wasTaken(rounds: readonly RoundSeen[]): boolean {
  const size = (round: RoundSeen) => dose(round.settings).size;
  const smaller = rounds.findLastIndex((round, i) => i > 0 && size(round) < size(rounds[i - 1]!));
  return smaller > 0 && forgot(rounds[smaller - 1]!);
}

/** A dose as much larger as the mildest cut makes it smaller, of no more than the recipe's: in whole epochs, the rest by the rate. */
function largerDose(settings: LeverSettings, recipe: LeverSettings) {
  const [now, own] = [dose(settings), dose(recipe)];
  if (now.size >= own.size) return now;
  const size = Math.min(own.size, now.size / mildest);
  // A hundredth is rounding: the rate has four digits.
  const epochs = Math.max(now.epochs, Math.ceil(size / own.rate - 0.01));
  return { epochs, rate: Math.min(own.rate, size / epochs) };
}
