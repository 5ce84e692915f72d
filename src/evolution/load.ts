import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { messageOf, RedistillError } from "../core/errors.js";
import { type EvolutionSpec, evolutionSchema } from "../core/evolution.js";
import { nearest } from "../core/nearest.js";
import type { Recipe } from "../core/recipe.js";
import { readTextFile } from "../files/read-text.js";
import { loadRecipe } from "../recipes/load.js";
import { recipeWith } from "../recipes/settings.js";

/**
 * Reads an evolution's file and the recipe that it names, as the evolution works with it: its prompt, its seeds, and
 * nothing that trains.
 *
 * @throws RedistillError `usage` with what is wrong and, for a mistyped key, the nearest valid one.
 */
export function loadEvolution(path: string): { spec: EvolutionSpec; recipe: Recipe } {
  const spec = parseEvolution(readTextFile(path, "evolution"), path);
  const base = loadRecipe(resolve(dirname(path), spec.recipe));
  const own = recipeWith(
    base,
    {
      ...spec.settings,
      "critique.prompt": spec.prompt,
      name: spec.name,
      seed: spec.seed,
      "tasks.seed": spec.taskSeed,
      rounds: 1,
      ...{ retrain: { method: "memory" }, memory: null, judge: null, examine: null, stop: null },
    },
    `${path}, settings`,
  );
  requireGraded(own, path);
  return { spec, recipe: own };
}

export function parseEvolution(text: string, where: string): EvolutionSpec {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw bad(`${where}: not YAML: ${messageOf(cause).split("\n")[0]}`);
  }
  const parsed = evolutionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // A mistyped key is also a missing one: its own error says more.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
  if (issue.code !== "unrecognized_keys") {
    throw bad(`${where}: ${issue.path.join(".") || "the evolution"}: ${issue.message}`);
  }
  const known = Object.keys(evolutionSchema.shape);
  const close = nearest(issue.keys[0]!, known);
  throw bad(
    `${where}: unknown key ${[...issue.path, issue.keys[0]].join(".")}`,
    close === null ? `Keys: ${known.join(", ")}.` : `Did you mean ${close}?`,
  );
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
  throw bad(
    `${where}: the recipe's answers are graded by ${by}, which cannot prove that a prompt is better`,
    "Take a recipe whose tasks have references and a verifier, or change that under `settings`.",
  );
}

function bad(what: string, hint = "docs/evolving-prompts.md has every key."): RedistillError {
  return new RedistillError("usage", what, hint);
}
