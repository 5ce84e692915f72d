import { fitOf, latest } from "../evidence.js";
import { figure, isAt, move, nothingToSay, type Rule, share } from "../rule.js";
import { poorlyLearned, surely, wideGap } from "./overfitting.js";

/**
 * The adapter's rank, once epochs are at their limit and two gates in a row found nothing better: a larger one where the
 * candidate cannot hold what it is taught, a smaller one where it holds it by heart. Capacity of LoRA by rank: Hu et al.
 * 2022, "LoRA"; Biderman et al. 2024, "LoRA Learns Less and Forgets Less". Only for trainings that start from the base.
 */
export const rank: Rule = (observation, settings) => {
  const recent = latest(observation, 2);
  const now = settings["retrain.rank"];
  if (typeof now !== "number" || settings["retrain.from"] !== "base") return nothingToSay;
  if (recent.length < 2 || recent.some(({ outcome }) => outcome === "promoted"))
    return nothingToSay;
  const fit = fitOf(recent);
  if (fit === null) return nothingToSay;
  const { learned, unseen, z } = fit;
  const because = `epochs are at their limit, ${share(learned)} of what it learned from was right and ${share(unseen)} of what it did not`;
  const grounds = {
    ...{ rule: "rank", because },
    saw: { learned: figure(learned), unseen: figure(unseen), z: figure(z) },
  };
  const heart = learned - unseen >= wideGap && z >= surely;
  if (heart && isAt(observation, settings, "retrain.epochs", "least")) {
    return { decisions: move(observation, settings, "retrain.rank", now / 2, grounds) };
  }
  const poor = learned < poorlyLearned && z < surely;
  if (poor && isAt(observation, settings, "retrain.epochs", "most")) {
    return { decisions: move(observation, settings, "retrain.rank", now * 2, grounds) };
  }
  return nothingToSay;
};
