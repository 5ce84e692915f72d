import { sha256 } from "../core/hash.js";
import type { LongTermSettings } from "../core/long-term.js";
import { type ModelSettings, weightsOf } from "../core/model.js";
import { changeable, type Recipe } from "../core/recipe.js";
import { retentionSuites, withPaths } from "../core/retention.js";
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
  const { tasks, retention, curate, model, roles, stop, gate } = recipe;
  const content = (path: string) => hashFile(path);
  return sha256({
    ...determining,
    // A recipe without these is the one that it was before there were such settings.
    stop: stop ?? undefined,
    policy: policyOf(recipe),
    critique: recipe.critique && { ...recipe.critique, trial: recipe.critique.trial ?? undefined },
    memory: recipe.memory ?? undefined,
    longTerm: recipe.longTerm ? withoutRetrieval(recipe.longTerm) : undefined,
    examine: recipe.examine ?? undefined,
    clusters: recipe.clusters ?? undefined,
    // The same for a recipe without a judge.
    judge: recipe.judge ?? undefined,
    health: recipe.judge === null ? withoutCalibration(recipe.health) : recipe.health,
    retrain: withoutDefaults(recipe.retrain),
    // The exact gate as it was when there was no other; its further settings change nothing.
    gate: gate.test === "exact" ? { alpha: gate.alpha } : gate,
    model: await withContent(model),
    roles: await rolesWithContent(roles),
    tasks: {
      ...tasks,
      // A recipe without this seed is the one that it was before there was such a setting.
      seed: tasks.seed ?? undefined,
      ...(tasks.source === "jsonl" ? { path: await content(tasks.path) } : {}),
    },
    retention: await retentionWithContent(retention),
    curate: {
      ...curate,
      replay: curate.replay && { ...curate.replay, path: await content(curate.replay.path) },
    },
    prompts: prompts.map(({ stage, hash }) => [stage, hash]),
  });
}

/** With the margin of before there was one where it is the default. */
function policyOf({ policy }: Recipe): object | undefined {
  if (policy.kind === "fixed") return undefined;
  return { ...policy, margins: policy.margins.cost === 1 ? undefined : policy.margins };
}

/** One suite, or several, each with its file's content in place of its path. */
async function retentionWithContent(retention: Recipe["retention"]): Promise<object | null> {
  if (retention === null) return null;
  const hashes = new Map<string, string>();
  for (const { path } of retentionSuites(retention)) hashes.set(path, await hashFile(path));
  return withPaths(retention, (path) => hashes.get(path)!);
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

/** Settings as a recipe had them before there were other methods, trainers, devices, reward models, sources of pairs, full weights. */
function withoutDefaults(retrain: Recipe["retrain"]): object {
  if (retrain.method === "memory") return retrain;
  const { device, trainer, weights, ...settings } = retrain;
  return {
    ...ofMethod(settings),
    ...(device === "auto" ? {} : { device }),
    ...(trainer === "torch" ? {} : { trainer }),
    ...(weights === "lora" ? {} : { weights }),
  };
}

function ofMethod(settings: object): object {
  const { method, weighting, pairs, reward, modelShare, rewardEpochs, ...rest } =
    settings as Readonly<Record<string, unknown>>;
  if (method === "sft") return weighting === "even" ? rest : { method, weighting, ...rest };
  const preferred = pairs === undefined || pairs === "verdicts" ? {} : { pairs };
  const rewarded =
    reward === "model" || reward === "mix" ? { reward, modelShare, rewardEpochs } : {};
  return { method, ...rest, ...preferred, ...rewarded };
}

/** Lessons that are found by their words: as before there was another way. */
function withoutRetrieval(longTerm: LongTermSettings): object {
  const { retrieval, embedder, ...settings } = longTerm;
  return retrieval === "text" ? settings : longTerm;
}

function withoutCalibration({ calibration: _calibration, ...monitors }: Recipe["health"]): object {
  return monitors;
}
