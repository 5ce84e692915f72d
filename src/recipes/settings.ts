import { RedistillError } from "../core/errors.js";
import { nearest } from "../core/nearest.js";
import { contradictions, type Recipe, recipeSchema } from "../core/recipe.js";
import type { Settings } from "../core/study.js";
import { keysAt } from "./schema-keys.js";

/**
 * A recipe with some of its settings replaced. A value takes the place of what was there as a whole, so
 * that `retrain: {method: dpo}` has the defaults of its method and nothing of the former one.
 *
 * @param where Who wants this, for errors: "arm a3", "settings".
 * @throws RedistillError `usage` for an unknown key (with the nearest one), a bad value, or settings that contradict.
 *
 * @example
 * recipeWith(recipe, { "critique.prompt": "checklist" }, "arm a1");
 */
export function recipeWith(recipe: Recipe, settings: Settings, where: string): Recipe {
  const changed = structuredClone(recipe) as Record<string, unknown>;
  for (const [path, value] of Object.entries(settings)) assign(changed, path.split("."), value);
  const parsed = recipeSchema.safeParse(changed);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const path = issue.path as (string | number)[];
    if (issue.code === "unrecognized_keys") throw unknownKey(path, issue.keys[0]!, where);
    throw bad(`${where}: ${path.join(".")}: ${issue.message}`, "Change that setting.");
  }
  const [wrong] = contradictions(parsed.data);
  if (wrong) {
    throw bad(`${where}: ${wrong.path.join(".")}: ${wrong.message}`, "Change one of the two.");
  }
  return parsed.data;
}

function assign(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) target[key] = value;
  else {
    const inner = { ...(target[key] as Record<string, unknown> | null | undefined) };
    target[key] = inner;
    assign(inner, rest, value);
  }
}

function unknownKey(path: (string | number)[], key: string, where: string): RedistillError {
  const known = keysAt(recipeSchema, path);
  const close = nearest(key, known);
  const full = (each: string) => [...path, each].join(".");
  return bad(
    `${where}: a recipe has no key ${full(key)}`,
    `${close ? `Did you mean ${full(close)}? ` : ""}Keys here: ${known.join(", ")}.`,
  );
}

function bad(what: string, hint: string): RedistillError {
  return new RedistillError("usage", what, hint);
}
