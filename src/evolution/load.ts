import { dirname, resolve } from "node:path";
import { RedistillError } from "../core/errors.js";
import { type EvolutionSpec, evolutionSchema } from "../core/evolution.js";
import type { Recipe } from "../core/recipe.js";
import { readTextFile } from "../files/read-text.js";
import { loadRecipe, withAbsolutePaths } from "../recipes/load.js";
import { parseSpec } from "../recipes/parse-spec.js";
import { recipeWith } from "../recipes/settings.js";

/**
 * Reads an evolution's file and the recipe that it names, as the evolution works with it: its prompt, its seeds, and
 * nothing that trains. Paths in its settings are relative to its own folder.
 *
 * @throws RedistillError `usage` with what is wrong and, for a mistyped key, the nearest valid one.
 */
export function loadEvolution(path: string): { spec: EvolutionSpec; recipe: Recipe } {
  const spec = parseEvolution(readTextFile(path, "evolution"), path);
  const folder = dirname(resolve(path));
  const base = loadRecipe(resolve(folder, spec.recipe));
  const own = recipeWith(
    base,
    {
      ...spec.settings,
      "critique.prompt": spec.prompt,
      "critique.trial": null,
      name: spec.name,
      seed: spec.seed,
      "tasks.seed": spec.taskSeed,
      rounds: 1,
      ...{ retrain: { method: "memory" }, memory: null, judge: null, examine: null, stop: null },
      clusters: null,
    },
    `${path}, settings`,
  );
  requireGraded(own, path);
  return { spec, recipe: withAbsolutePaths(own, folder) };
}

export function parseEvolution(text: string, where: string): EvolutionSpec {
  const unlike = `Keys: ${Object.keys(evolutionSchema.shape).join(", ")}.`;
  const hint = "docs/evolving-prompts.md has every key.";
  return parseSpec(evolutionSchema, text, where, { what: "evolution", hint, unlike });
}

/** Fitness is what a verifier says of answers with a known reference: nothing else could prove a prompt. */
function requireGraded(recipe: Recipe, where: string): void {
  const { teacher, tasks } = recipe;
  const by =
    teacher.labels === "majority"
      ? "teacher.labels: majority"
      : "verifier" in tasks && tasks.verifier.kind === "rubric"
        ? "a rubric"
        : null;
  if (by === null) return;
  throw new RedistillError(
    "usage",
    `${where}: the recipe's answers are graded by ${by}, which cannot prove that a prompt is better`,
    "Take a recipe whose tasks have references and a verifier, or change that under `settings`.",
  );
}
