import type { LeverSettings, Observation, PolicyDecision, RoundSeen } from "../../core/policy.js";
import { fitOf, forgot, isFull, latestAlike, trainsAlike } from "../evidence.js";
import {
  figure,
  type Grounds,
  isAt,
  move,
  nothingToSay,
  type Rule,
  type Ruling,
  share,
} from "../rule.js";

/** A gap this wide, and this far from chance, is learning by heart. */
const wideGap = 0.2;
const surely = 1.64;
/** What was learned and is answered less often than this was not learned. */
const poorlyLearned = 0.6;

/** How the settings that the next round is to train by did lately. */
export interface Lately {
  /** It knows by heart what it was taught, or has not even learned that. */
  readonly is: "by heart" | "poorly learned" | "neither";
  /** The figures, for a decision's sentence. */
  readonly words: string;
  readonly saw: Grounds["saw"];
}

/**
 * What is known of them by the last two rounds of these settings; null where too little is, or where this plan trains
 * otherwise than the last round did, so that nothing is known of it yet.
 */
export function lately(observation: Observation, settings: LeverSettings): Lately | null {
  const recent = latestAlike(observation, 2);
  const last = recent.at(-1);
  const fit = fitOf(recent);
  if (last === undefined || fit === null || !trainsAlike(settings, last.settings)) return null;
  const { learned, unseen, z } = fit;
  const heart = learned - unseen >= wideGap && z >= surely;
  const poorly = learned < poorlyLearned && z < surely;
  return {
    is: heart ? "by heart" : poorly ? "poorly learned" : "neither",
    words: `${share(learned)} of what it learned from was right, ${share(unseen)} of what it did not`,
    saw: { learned: figure(learned), unseen: figure(unseen), z: figure(z) },
  };
}

/**
 * Epochs and the size of the training set by the gap between what the candidate learned from and training tasks that it
 * did not: fewer epochs, or else more examples, where it knows by heart; more epochs where it has not even learned what
 * it was taught. After early stopping on a validation split (Prechelt 1998, "Early Stopping – But When?"); few epochs
 * over the same examples are worth as much as new ones, many are not (Muennighoff et al. 2023, "Scaling Data-Constrained
 * Language Models"). More examples and more epochs are a larger dose: neither after a round that forgot too much. More
 * examples are there only where the last round had as many as it might.
 */
export const overfitting: Rule = (observation, settings): Ruling => {
  const seen = lately(observation, settings);
  const last = observation.rounds.at(-1);
  if (seen === null || last === undefined) return nothingToSay;
  const grounds = { rule: "overfitting", because: seen.words, saw: seen.saw };
  const epochs = Number(settings["retrain.epochs"]);
  const moved = (to: number) => move(observation, settings, "retrain.epochs", to, grounds);
  if (seen.is === "by heart") {
    const fewest = isAt(observation, settings, "retrain.epochs", "least");
    const decisions = fewest
      ? moreExamples(observation, settings, last, grounds)
      : moved(epochs * 0.7);
    return { decisions };
  }
  return seen.is === "poorly learned" && !forgot(last)
    ? { decisions: moved(epochs * 1.3) }
    : nothingToSay;
};

function moreExamples(
  observation: Observation,
  settings: LeverSettings,
  last: RoundSeen,
  grounds: Grounds,
): PolicyDecision[] {
  if (!isFull(last) || forgot(last)) return [];
  const now = Number(settings["curate.maximum"]);
  return move(observation, settings, "curate.maximum", now * 1.5, grounds);
}
