import { fitOf, latest } from "../evidence.js";
import { figure, isAt, move, nothingToSay, type Rule, share } from "../rule.js";

const rule = "overfitting";

/** A gap this wide, and this far from chance, is learning by heart. */
export const wideGap = 0.2;
export const surely = 1.64;
/** What was learned and is answered less often than this was not learned. */
export const poorlyLearned = 0.6;

/**
 * Epochs and the size of the training set by the gap between what the candidate learned from and training tasks that it
 * did not: fewer epochs, or else more examples, where it knows by heart; more epochs where it has not even learned what
 * it was taught. After early stopping on a validation split (Prechelt 1998, "Early Stopping – But When?"); few epochs
 * over the same examples are worth as much as new ones, many are not (Muennighoff et al. 2023, "Scaling Data-Constrained
 * Language Models").
 */
export const overfitting: Rule = (observation, settings) => {
  const fit = fitOf(latest(observation, 2));
  if (fit === null) return nothingToSay;
  const { learned, unseen, z } = fit;
  const because = `${share(learned)} of what it learned from was right, ${share(unseen)} of what it did not`;
  const saw = { learned: figure(learned), unseen: figure(unseen), z: figure(z) };
  const grounds = { rule, because, saw };
  const epochs = Number(settings["retrain.epochs"]);
  if (learned - unseen >= wideGap && z >= surely) {
    const decisions = isAt(observation, settings, "retrain.epochs", "least")
      ? move(
          observation,
          settings,
          "curate.maximum",
          Number(settings["curate.maximum"]) * 1.5,
          grounds,
        )
      : move(observation, settings, "retrain.epochs", epochs * 0.7, grounds);
    return { decisions };
  }
  if (learned >= poorlyLearned || z >= surely) return nothingToSay;
  return { decisions: move(observation, settings, "retrain.epochs", epochs * 1.3, grounds) };
};
