import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import type { Recipe } from "../../src/core/recipe.js";
import type { Settings } from "../../src/core/study.js";
import { loadRecipe } from "../../src/recipes/load.js";
import { recipeWith } from "../../src/recipes/settings.js";

const settings = z.record(z.string(), z.unknown());
const shape = z.strictObject({
  recipe: z.string(),
  all: settings,
  arms: z.record(z.string(), settings.nullable()),
});

export interface Arm {
  readonly name: string;
  /** A whole recipe, its paths absolute. */
  readonly recipe: Recipe;
}

/** The arms of a file such as bench/equal-time/orders.yaml: one recipe with different settings. */
export function readArms(path: string, extra: Settings = {}): Arm[] {
  const { recipe, all, arms } = shape.parse(parse(readFileSync(path, "utf8")));
  const base = loadRecipe(resolve(dirname(path), recipe));
  return Object.entries(arms).map(([name, own]) => ({
    name,
    recipe: recipeWith(base, { ...all, ...extra, ...own, name }, name),
  }));
}
