import { clustersWanted, type WantsClusters } from "../core/cluster.js";
import type { Role } from "../core/model.js";
import type { Recipe } from "../core/recipe.js";
import { cluster } from "./cluster.js";
import { critique } from "./critique.js";
import { curate } from "./curate.js";
import { elicit } from "./elicit.js";
import { evaluate } from "./evaluate.js";
import { examine, mend } from "./examine.js";
import { gate } from "./gate.js";
import { generate } from "./generate.js";
import { judge } from "./judge.js";
import { refine } from "./refine.js";
import { retrain } from "./retrain.js";
import type { Stage } from "./types.js";
import { validate } from "./validate.js";

/** The loop. The order of a round, and whose model a stage asks, are stated here and nowhere else. */
export const stages = [
  ["elicit", elicit, "student"],
  ["generate", generate, "teacher"],
  ["critique", critique, "critic"],
  ["refine", refine, "teacher"],
  ["examine", examine, "critic"],
  ["mend", mend, "teacher"],
  ["cluster", cluster, "coach"],
  ["judge", judge, "judge"],
  ["curate", curate, "student"],
  ["retrain", retrain, "student"],
  ["validate", validate, "student"],
  ["evaluate", evaluate, "student"],
  ["gate", gate, "student"],
] as const satisfies readonly (readonly [string, Stage, Role])[];

/** The stages of a recipe's rounds: judge, examination, clusters and validation are in those of recipes that want them. */
export function stagesOf(
  recipe: Pick<Recipe, "judge" | "examine" | "policy"> & WantsClusters,
): readonly (readonly [string, Stage, Role])[] {
  const { policy } = recipe;
  const wanted: Readonly<Record<string, boolean>> = {
    judge: recipe.judge !== null,
    examine: recipe.examine !== null,
    mend: recipe.examine !== null,
    cluster: clustersWanted(recipe) !== null,
    validate: policy.kind !== "fixed" && policy.validation > 0,
  };
  return stages.filter(([name]) => wanted[name] ?? true);
}
