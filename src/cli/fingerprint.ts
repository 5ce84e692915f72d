import { sha256 } from "../core/hash.js";
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
  const { tasks, retention, curate, model, stop } = recipe;
  const content = (path: string) => hashFile(path);
  return sha256({
    ...determining,
    // A recipe without these is the one that it was before there were such settings.
    stop: stop ?? undefined,
    memory: recipe.memory ?? undefined,
    retrain: withoutDefaults(recipe.retrain),
    model: { ...model, path: await modelHash(model.path) },
    tasks: tasks.source === "jsonl" ? { ...tasks, path: await content(tasks.path) } : tasks,
    retention: retention && { ...retention, path: await content(retention.path) },
    curate: {
      ...curate,
      replay: curate.replay && { ...curate.replay, path: await content(curate.replay.path) },
    },
    prompts: prompts.map(({ stage, hash }) => [stage, hash]),
  });
}

async function modelHash(path: string): Promise<string> {
  return path === "default" ? path : (await inspectModel(path)).sha256;
}

/** Plain imitation as a recipe had it before there were other methods. */
function withoutDefaults(retrain: Recipe["retrain"]): object {
  if (retrain.method !== "sft" || retrain.weighting !== "even") return retrain;
  const { method: _method, weighting: _weighting, ...settings } = retrain;
  return settings;
}
