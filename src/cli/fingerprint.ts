import { sha256 } from "../core/hash.js";
import type { Recipe } from "../core/recipe.js";
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
  // When a run works does not change what it does.
  const { schedule: _when, ...settings } = recipe;
  const { tasks, retention, curate, model } = recipe;
  const content = (path: string) => hashFile(path);
  return sha256({
    ...settings,
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
