import { latest } from "../evidence.js";
import { isAt, move, nothingToSay, type Rule } from "../rule.js";
import { lately } from "./overfitting.js";

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
  const seen = lately(observation, settings);
  if (seen === null) return nothingToSay;
  const because = `epochs are at their limit, ${seen.words}`;
  const grounds = { rule: "rank", because, saw: seen.saw };
  if (seen.is === "by heart" && isAt(observation, settings, "retrain.epochs", "least")) {
    return { decisions: move(observation, settings, "retrain.rank", now / 2, grounds) };
  }
  if (seen.is === "poorly learned" && isAt(observation, settings, "retrain.epochs", "most")) {
    return { decisions: move(observation, settings, "retrain.rank", now * 2, grounds) };
  }
  return nothingToSay;
};
