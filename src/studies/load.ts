import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { messageOf, RedistillError } from "../core/errors.js";
import { nearest } from "../core/nearest.js";
import type { Recipe } from "../core/recipe.js";
import { type Arm, type StudySpec, studySchema } from "../core/study.js";
import { readTextFile } from "../files/read-text.js";
import { loadRecipe } from "../recipes/load.js";
import { recipeWith } from "../recipes/settings.js";
import { armName } from "./design.js";

/**
 * Reads a study's file and the recipe that it names.
 *
 * @throws RedistillError `usage` with what is wrong and, for a mistyped key, the nearest valid one.
 */
export function loadStudy(path: string): { spec: StudySpec; recipe: Recipe } {
  const spec = parseStudy(readTextFile(path, "study"), path);
  const base = loadRecipe(resolve(dirname(path), spec.recipe));
  const common = { ...spec.settings, "tasks.seed": spec.taskSeed };
  return { spec, recipe: recipeWith(base, common, `${path}, settings`) };
}

export function parseStudy(text: string, where: string): StudySpec {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw bad(`${where}: not YAML: ${messageOf(cause).split("\n")[0]}`);
  }
  const parsed = studySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // A mistyped key is also a missing one: its own error says more.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
  if (issue.code !== "unrecognized_keys") {
    throw bad(`${where}: ${issue.path.join(".") || "the study"}: ${issue.message}`);
  }
  const close = nearest(issue.keys[0]!, Object.keys(studySchema.shape));
  throw bad(
    `${where}: unknown key ${[...issue.path, issue.keys[0]].join(".")}`,
    close === null ? undefined : `Did you mean ${close}?`,
  );
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
  if (own.gate.test === "exact") return own;
  throw bad(
    `${where}: a study compares answers to the whole gate suite, and gate.test: sequential may ask a part of it`,
    'Set "gate.test: exact" in the settings of the study.',
  );
}

function bad(what: string, hint = "runs/studies has an example with every key."): RedistillError {
  return new RedistillError("usage", what, hint);
}
