import type { Recipe } from "../core/recipe.js";
import { critique } from "./critique.js";
import { curate } from "./curate.js";
import { elicit } from "./elicit.js";
import { evaluate } from "./evaluate.js";
import { gate } from "./gate.js";
import { generate } from "./generate.js";
import { judge } from "./judge.js";
import { refine } from "./refine.js";
import { retrain } from "./retrain.js";
import type { Stage } from "./types.js";

/** The loop. The order of a round is stated here and nowhere else. */
export const stages = [
  ["elicit", elicit],
  ["generate", generate],
  ["critique", critique],
  ["refine", refine],
  ["judge", judge],
  ["curate", curate],
  ["retrain", retrain],
  ["evaluate", evaluate],
  ["gate", gate],
] as const satisfies readonly (readonly [string, Stage])[];

/** The stages of a recipe's rounds. A judge is not in the rounds of recipes that were without one. */
export function stagesOf({ judge }: Pick<Recipe, "judge">): readonly (readonly [string, Stage])[] {
  return stages.filter(([name]) => name !== "judge" || judge !== null);
}
