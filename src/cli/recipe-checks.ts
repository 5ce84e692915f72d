import { requireCapable } from "../controller/capable.js";
import { messageOf, RedistillError } from "../core/errors.js";
import {
  hasOwnModel,
  type ModelSettings,
  modelName,
  modelOf,
  type Role,
  roles,
  weightsOf,
} from "../core/model.js";
import { requirePriced } from "../core/money.js";
import type { ModelCapabilities } from "../core/ports.js";
import type { Recipe } from "../core/recipe.js";
import { loadRecipe } from "../recipes/load.js";
import { inspectModel } from "../setup/gguf.js";
import { checkTaskFiles } from "../sources/index.js";
import type { RunRow } from "../store/runs.js";
import { attempt, type Check } from "./checks.js";
import { loadModel, type MergeWith, type OpenModel, requireTeachable } from "./models.js";
import type { Output } from "./output.js";
import type { Workspace } from "./paths.js";
import { snapshotPrompts } from "./prompts.js";
import { openForReading } from "./reading.js";
import { requireSame } from "./same-model.js";

/**
 * Looks at everything that a recipe names: its files, and each role's model at its server, which is
 * asked who it is. No engine is started, and nothing is trained.
 */
export async function recipeChecks(
  path: string,
  workspace: Workspace,
  output: Output,
  signal: AbortSignal,
): Promise<Check[]> {
  let recipe: Recipe;
  try {
    recipe = loadRecipe(path);
  } catch (error) {
    return [missing("recipe", error)];
  }
  const files = await attempt("recipe", async () => {
    checkTaskFiles(recipe);
    requirePriced(recipe);
    snapshotPrompts(recipe, workspace);
    return `${recipe.name}; its files and prompts are there`;
  });
  const run = unfinishedRun(workspace, recipe.name);
  const models: Check[] = [];
  const asked = roles.filter((role) => role === "student" || hasOwnModel(recipe, role));
  for (const role of asked) models.push(await modelCheck(recipe, role, run, output, signal));
  return [files, ...models];
}

/** A run of this recipe that would go on; what it began with must still be there. */
function unfinishedRun(workspace: Workspace, name: string): RunRow | null {
  try {
    const store = openForReading(workspace);
    if (store === null) return null;
    try {
      return store.runs.unfinishedNamed(name);
    } finally {
      store.close();
    }
  } catch {
    // What is wrong with the database is said by a check of its own.
    return null;
  }
}

async function modelCheck(
  recipe: Recipe,
  role: Role,
  run: RunRow | null,
  output: Output,
  signal: AbortSignal,
): Promise<Check> {
  const settings = modelOf(recipe, role);
  const name = `${role}: ${modelName(settings)}`;
  return attempt(name, async () => {
    const where = role === "student" ? "model" : `roles.${role}`;
    const found = await look(settings, where, output, signal);
    if (found.opened === null) return found.text;
    if (role === "student") requireTeachable(recipe, found.opened);
    const writes = hasOwnModel(recipe, "teacher") ? "teacher" : "student";
    if (role === writes) requireCapable(recipe, found.opened.model);
    const then = run === null ? undefined : run.roles[role]?.digest;
    if (run !== null && then !== undefined) {
      const now = found.opened.model.digest;
      requireSame(run.id, `had as ${role}`, then, now, ", or start a new run with --new");
    }
    return found.text;
  });
}

interface Found {
  readonly text: string;
  /** It has answered who it is, and is closed again; null for the embedded engine, which is not started. */
  readonly opened: OpenModel | null;
}

/** Nothing is trained here, but a server that could be given a merged file is one that learns. */
const neverMerged: MergeWith = () => async () => {
  throw new Error("doctor merges nothing");
};

async function look(
  settings: ModelSettings,
  where: string,
  output: Output,
  signal: AbortSignal,
): Promise<Found> {
  if (settings.provider === "embedded") {
    const path = weightsOf(settings);
    if (path === null || path === "default") return { text: "the embedded engine", opened: null };
    const { quantization, architecture } = await inspectModel(path, { signal });
    return { text: `the embedded engine, ${architecture} ${quantization}`, opened: null };
  }
  const opened = await loadModel(settings, output, signal, { where, merge: neverMerged });
  await opened.model.dispose();
  const { description, capabilities } = opened.model;
  return { text: `${description}; ${can(capabilities)}`, opened };
}

function can({ adapters, schema, topLogprobs, deterministic }: ModelCapabilities): string {
  return [
    adapters ? "takes trained weights" : "takes no trained weights",
    deterministic ? "same answer to the same request" : "answers may differ from time to time",
    ...(schema ? ["holds answers to a schema"] : []),
    topLogprobs > 0 ? `${topLogprobs} log-probabilities a token` : "no log-probabilities",
  ].join(", ");
}

function missing(what: string, error: unknown): Check {
  const hint = error instanceof RedistillError ? error.hint : "";
  return { what, state: "missing", found: messageOf(error), hint };
}
