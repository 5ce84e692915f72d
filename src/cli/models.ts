import { RedistillError } from "../core/errors.js";
import { canonicalJson } from "../core/hash.js";
import {
  type EmbeddedSettings,
  eachRole,
  hasOwnModel,
  type ModelSettings,
  modelName,
  modelOf,
  type NamesModels,
  type Role,
  roles,
  type ServedSettings,
  weightsOf,
} from "../core/model.js";
import type { ChatModel, RoleModels } from "../core/ports.js";
import { readSecret } from "../files/read-secret.js";
import { EngineProcess } from "../models/embedded/engine-process.js";
import { servedWeights } from "../models/ollama/served-weights.js";
import type { MergeAdapter } from "../models/remote/endpoint.js";
import { RemoteModel } from "../models/remote/remote-model.js";
import { spreadEndpoint } from "../models/remote/spread.js";
import { formatBytes } from "../setup/files.js";
import { inspectModel } from "../setup/gguf.js";
import { ensureWeights } from "../setup/weights.js";
import { endpoints } from "./endpoints.js";
import type { Output } from "./output.js";

/** A GGUF file, checked. */
export interface Weights {
  readonly path: string;
  readonly sha256: string;
}

/** How adapters become one file with given weights, where there is a trainer to do that. */
export type MergeWith = (weights: Weights) => MergeAdapter;

/** A model that answers, and the weights behind it where they are on this machine. */
export interface OpenModel {
  readonly model: ChatModel;
  readonly weights: Weights | null;
}

/** The GGUF file behind `default` or a path, fetched if needed and checked. */
export async function findWeights(
  path: string,
  output: Output,
  signal: AbortSignal,
): Promise<Weights> {
  if (path !== "default") return inspectModel(path, { signal });
  return ensureWeights({
    signal,
    onNotice: (text) => output.note(text),
    onProgress: ({ source, bytes, total, bytesPerSecond }) =>
      output.live(
        `weights from ${source}: ${formatBytes(bytes)}${total ? ` of ${formatBytes(total)}` : ""}, ${formatBytes(bytesPerSecond)}/s`,
      ),
  });
}

/** Starts the embedded engine, or gets in touch with the server that has the model. */
export async function loadModel(
  settings: ModelSettings,
  output: Output,
  signal: AbortSignal,
  { where = "model", merge }: { where?: string; merge?: MergeWith | undefined } = {},
): Promise<OpenModel> {
  return settings.provider === "embedded"
    ? startEngine(settings, output, signal)
    : connect(settings, where, merge, output, signal);
}

async function startEngine(
  { path, contextTokens, sequences, threads }: EmbeddedSettings,
  output: Output,
  signal: AbortSignal,
): Promise<OpenModel> {
  const weights = await findWeights(path, output, signal);
  const options = { contextTokens, sequences, threads };
  const model = await EngineProcess.start(
    { ...options, modelPath: weights.path, modelSha256: weights.sha256 },
    signal,
  );
  return { model, weights };
}

/**
 * Gets in touch with a model's server.
 *
 * @param where The recipe's key, for errors.
 * @throws RedistillError for a server that is absent, a wrong key or name, a context too short.
 */
async function connect(
  settings: ServedSettings,
  where: string,
  merge: MergeWith | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<OpenModel> {
  const onNotice = (text: string) => output.note(text);
  const weights = await weightsBehind(settings, output, signal);
  const secret = "apiKey" in settings ? settings.apiKey : null;
  const apiKey = secret && readSecret(secret, `${where}.apiKey`, onNotice);
  const context = {
    ...{ apiKey, weights, signal, onNotice },
    ...(merge && weights ? { mergeAdapter: merge(weights) } : {}),
  };
  const at = (place: ServedSettings) => endpoints[settings.provider](place, context);
  const first = await at(settings);
  const endpoint =
    "moreUrls" in settings && settings.moreUrls.length > 0
      ? spreadEndpoint([
          first,
          ...(await Promise.all(settings.moreUrls.map((url) => at({ ...settings, url })))),
        ])
      : first;
  try {
    return { model: await RemoteModel.open(endpoint, settings, signal), weights };
  } catch (error) {
    await endpoint.dispose();
    throw error;
  }
}

/** The file that the recipe names, else the one that a server of this machine runs. */
export async function weightsBehind(
  settings: ModelSettings,
  output: Output,
  signal: AbortSignal,
): Promise<Weights | null> {
  if (settings.provider === "embedded") return findWeights(settings.path, output, signal);
  if (settings.weights !== null) return findWeights(settings.weights, output, signal);
  if (settings.provider !== "ollama") return null;
  const served = await servedWeights(settings, signal);
  return served && inspectModel(served.path, { signal });
}

/** The models of a recipe's roles, each distinct one opened once. */
export interface OpenModels {
  readonly models: RoleModels;
  /** Of the student; null where they are not on this machine. */
  readonly weights: Weights | null;
  close(): Promise<void>;
}

/** Opens every model that a recipe names; closes those that it opened when a later one fails. */
export async function openModels(
  recipe: NamesModels,
  output: Output,
  signal: AbortSignal,
  merge?: MergeWith,
): Promise<OpenModels> {
  const opened = new Map<string, OpenModel>();
  const close = async () => {
    for (const { model } of opened.values()) await model.dispose();
  };
  const keyOf = (role: Role) => canonicalJson(modelOf(recipe, role));
  try {
    for (const role of roles) {
      if (opened.has(keyOf(role))) continue;
      const where = hasOwnModel(recipe, role) ? `roles.${role}` : "model";
      opened.set(
        keyOf(role),
        await loadModel(modelOf(recipe, role), output, signal, { where, merge }),
      );
    }
  } catch (error) {
    await close();
    throw error;
  }
  const of = (role: Role) => opened.get(keyOf(role)) as OpenModel;
  return { models: eachRole((role) => of(role).model), weights: of("student").weights, close };
}

/**
 * Refuses to train weights that this machine does not have, or that the student's server cannot
 * answer with.
 *
 * @param student Once it is open: Ollama says only then whether its weights are here.
 * @throws RedistillError `usage` with the two ways on.
 */
export function requireTeachable(
  recipe: NamesModels & {
    readonly retrain: { readonly method: string; readonly weights?: string };
  },
  student?: OpenModel,
): void {
  const { method, weights } = recipe.retrain;
  if (method === "memory") return;
  if (weights === "full" && recipe.model.provider === "openai") {
    throw new RedistillError(
      "usage",
      `retrain.weights full trains a whole model, and the server of ${modelName(recipe.model)} loads no models while it runs`,
      "Set `retrain.weights: lora`; or let the embedded engine (`model.path`) or Ollama run the model's GGUF file.",
    );
  }
  const absent = student
    ? student.weights === null
    : weightsOf(recipe.model) === null && recipe.model.provider !== "ollama";
  if (!absent && (student === undefined || student.model.capabilities.adapters)) return;
  const why = absent
    ? "its weights are not on this machine (model.weights names none)"
    : "its server cannot answer with trained weights";
  throw new RedistillError(
    "usage",
    `retrain.method ${method} trains weights, but ${modelName(recipe.model)} cannot be trained: ${why}`,
    "Set `retrain.method: memory`, which writes lessons for the prompt in place of weights; or use a model whose weights are here and whose server takes adapters.",
  );
}
