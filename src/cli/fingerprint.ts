import { sha256 } from "../core/hash.js";
import { type ModelSettings, weightsOf } from "../core/model.js";
import { changeable, type Recipe } from "../core/recipe.js";
import { hashFile } from "../setup/digest.js";
import { inspectModel } from "../setup/gguf.js";

/**
 * What makes two recipes the same: every setting, the content of the files that it names, and the
 * prompts. Where those files lie does not count.
 */
export async function fingerprint(
  recipe: Recipe,
  prompts: readonly { readonly stage: string; readonly hash: string }[],
): Promise<string> {
  const free: readonly string[] = changeable;
  const determining = Object.fromEntries(
    Object.entries(recipe).filter(([key]) => !free.includes(key)),
  );
  const { tasks, retention, curate, model, roles, stop } = recipe;
  const content = (path: string) => hashFile(path);
  return sha256({
    ...determining,
    // A recipe without these is the one that it was before there were such settings.
    stop: stop ?? undefined,
    memory: recipe.memory ?? undefined,
    // The same for a recipe without a judge.
    judge: recipe.judge ?? undefined,
    health: recipe.judge === null ? withoutCalibration(recipe.health) : recipe.health,
    retrain: withoutDefaults(withoutTorch(recipe.retrain)),
    model: await withContent(model),
    roles: await rolesWithContent(roles),
    tasks: tasks.source === "jsonl" ? { ...tasks, path: await content(tasks.path) } : tasks,
    retention: retention && { ...retention, path: await content(retention.path) },
    curate: {
      ...curate,
      replay: curate.replay && { ...curate.replay, path: await content(curate.replay.path) },
    },
    prompts: prompts.map(({ stage, hash }) => [stage, hash]),
  });
}

/** Settings of a model with its file's content; those of an embedded one as before there were others. */
async function withContent(model: ModelSettings): Promise<object> {
  const weights = weightsOf(model);
  const hash =
    weights === null || weights === "default" ? weights : (await inspectModel(weights)).sha256;
  if (model.provider !== "embedded") return { ...model, weights: hash };
  const { provider: _provider, ...settings } = model;
  return { ...settings, path: hash };
}

/** Undefined where the student does everything: such a recipe is the one from before there were roles. */
async function rolesWithContent(roles: Recipe["roles"]): Promise<object | undefined> {
  const named = Object.entries(roles).flatMap(([role, model]) => (model ? [[role, model]] : []));
  if (named.length === 0) return undefined;
  return Object.fromEntries(
    await Promise.all(
      named.map(async ([role, model]) => [role, await withContent(model as ModelSettings)]),
    ),
  );
}

/** Settings as a recipe had them before there was another trainer than torch. */
function withoutTorch(retrain: Recipe["retrain"]): Partial<Recipe["retrain"]> {
  if (retrain.method === "memory") return retrain;
  const { trainer, ...settings } = retrain;
  return trainer === "torch" ? settings : retrain;
}

/** A method as a recipe had it before there were other ones, and other sources of its pairs. */
function withoutDefaults(retrain: Partial<Recipe["retrain"]>): object {
  if ("pairs" in retrain && retrain.pairs === "verdicts") {
    const { pairs: _pairs, ...settings } = retrain;
    return settings;
  }
  if (retrain.method !== "sft" || retrain.weighting !== "even") return retrain;
  const { method: _method, weighting: _weighting, ...settings } = retrain;
  return settings;
}

function withoutCalibration({ calibration: _calibration, ...monitors }: Recipe["health"]): object {
  return monitors;
}
