import { RedistillError } from "../core/errors.js";
import { canonicalJson } from "../core/hash.js";
import { changeable, type Recipe } from "../core/recipe.js";
import type { PromptSnapshot, RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";

/**
 * Refuses to start a run beside an unfinished one of an earlier version of its recipe: a run keeps
 * the recipe, prompts and tasks that it began with, and only its owner knows which one is meant.
 *
 * @throws RedistillError `state` with what was edited and the two ways on.
 */
export function refuseOtherVersion(
  store: Store,
  recipe: Recipe,
  prompts: readonly PromptSnapshot[],
): void {
  const run = store.runs.unfinishedNamed(recipe.name);
  if (run === null) return;
  const edited = [...editedKeys(run, recipe), ...editedPrompts(store, run, prompts)];
  throw new RedistillError(
    "state",
    `run ${run.id} of an earlier version of recipe ${recipe.name} is unfinished; edited since: ${edited.join(", ") || "a file that the recipe names"}`,
    `Go on with it as it began: redistill resume ${run.id}. Or start another with what is there now: add --new.`,
  );
}

/** The recipe's top-level keys whose settings are not those of the run. */
function editedKeys(run: RunRow, recipe: Recipe): string[] {
  const now: Record<string, unknown> = recipe;
  const then: Record<string, unknown> = run.recipe;
  return Object.keys(now)
    .filter((key) => !changeable.some((each) => each === key))
    .filter((key) => canonicalJson(now[key]) !== canonicalJson(then[key]));
}

function editedPrompts(store: Store, run: RunRow, prompts: readonly PromptSnapshot[]): string[] {
  const then = store.runs.prompts(run.id);
  const had = (stage: string) => then.filter((each) => each.stage === stage);
  return prompts
    .filter(({ stage }) => had(stage).length > 0)
    .filter(({ stage, hash }) => !had(stage).some((each) => each.hash === hash))
    .map(({ stage, name }) => `prompt ${stage}/${name}`);
}
