import { dirname, resolve } from "node:path";
import { RedistillError } from "../core/errors.js";
import type { Recipe } from "../core/recipe.js";
import { type Arm, type StudySpec, studySchema } from "../core/study.js";
import { readTextFile } from "../files/read-text.js";
import { loadRecipe, withAbsolutePaths } from "../recipes/load.js";
import { parseSpec } from "../recipes/parse-spec.js";
import { recipeWith } from "../recipes/settings.js";
import { armName } from "./design.js";

/**
 * Reads a study's file and the recipe that it names. Paths in its settings are relative to its own folder.
 *
 * @throws RedistillError `usage` with what is wrong and, for a mistyped key, the nearest valid one.
 */
export function loadStudy(path: string): { spec: StudySpec; recipe: Recipe } {
  const spec = parseStudy(readTextFile(path, "study"), path);
  const folder = dirname(resolve(path));
  const base = loadRecipe(resolve(folder, spec.recipe));
  const common = { ...spec.settings, "tasks.seed": spec.taskSeed };
  return {
    spec,
    recipe: withAbsolutePaths(recipeWith(base, common, `${path}, settings`), folder),
  };
}

export function parseStudy(text: string, where: string): StudySpec {
  const hint = "runs/studies has an example with every key.";
  return parseSpec(studySchema, text, where, { what: "study", hint, unlike: hint });
}

/**
 * The recipe of one arm with one seed.
 *
 * @throws RedistillError `usage` that names the arm whose settings do not fit.
 */
export function recipeOf(study: StudySpec, recipe: Recipe, arm: Arm, seed: number): Recipe {
  const name = `${study.name}-${arm.id}-s${seed}`;
  const where = `arm ${arm.id} (${armName(arm)})`;
  const own = recipeWith(recipe, { ...arm.settings, name, seed }, where);
  if (own.longTerm?.write) {
    throw new RedistillError(
      "usage",
      `${where}: with longTerm.write arms that run later would be taught by those before them`,
      'Set "longTerm.write": false in the settings of the study, or remove longTerm from its recipe.',
    );
  }
  if (own.gate.test === "exact") return own;
  throw new RedistillError(
    "usage",
    `${where}: a study compares answers to the whole gate suite, and gate.test: sequential may ask a part of it`,
    'Set "gate.test: exact" in the settings of the study.',
  );
}
