import { resolve } from "node:path";
import { requireCapable } from "../../controller/capable.js";
import { createRun } from "../../controller/create.js";
import { requireFits } from "../../controller/fits.js";
import { tasksBySplit } from "../../controller/run.js";
import { RedistillError } from "../../core/errors.js";
import { modelName, weightsOf } from "../../core/model.js";
import { requirePriced } from "../../core/money.js";
import type { Recipe } from "../../core/recipe.js";
import { refuseBredOn } from "../../evolution/bred-on.js";
import { loadRecipe } from "../../recipes/load.js";
import { inspectModel } from "../../setup/gguf.js";
import { checkTaskFiles, collectTasks } from "../../sources/index.js";
import type { PromptSnapshot, RunRow } from "../../store/runs.js";
import { Store } from "../../store/store.js";
import { requireTrainable } from "../../training/train.js";
import { withBudgets } from "../budget.js";
import { refuseOtherVersion } from "../edited.js";
import { fingerprint } from "../fingerprint.js";
import { type Machine, openMachine } from "../machine.js";
import { requireTeachable } from "../models.js";
import { openChannels } from "../notifying.js";
import type { Output } from "../output.js";
import { migrationsDirectory } from "../paths.js";
import { changedSince, critiquesFrom, promptsFrom, snapshotPrompts } from "../prompts.js";
import { requireDatabase } from "../reading.js";
import { identities } from "../same-model.js";
import { type RunOptions, telling, workOnHeld } from "../work.js";
import { takeBackPause } from "./pause.js";

/** `redistill run <recipe>`: a new run, or the unfinished one of exactly this recipe. */
export async function runCommand(
  recipePath: string,
  flags: { model?: string; tasks?: string; new?: boolean; once?: boolean },
  options: RunOptions,
): Promise<void> {
  const { output } = options;
  const loaded = loadRecipe(recipePath);
  const recipe = {
    ...loaded,
    model: studentOf(loaded, flags.model),
    tasks: tasksOf(loaded, flags.tasks),
  };
  // All that can be wrong with the input is found before anything is fetched or built.
  checkTaskFiles(recipe);
  requirePriced(recipe);
  requireTeachable(recipe);
  openChannels(recipe.notify, (text) => output.note(text));
  const prompts = snapshotPrompts(recipe, options.workspace);
  await withWritableStore(options, async (store) => {
    const recipeHash = await fingerprint(recipe, prompts);
    const weights = weightsOf(recipe.model);
    if (weights !== null && weights !== "default" && recipe.retrain.method !== "memory") {
      requireTrainable(weights, (await inspectModel(weights)).architecture);
    }
    const unfinished = flags.new ? null : store.runs.unfinished(recipeHash);
    if (unfinished) {
      output.line(
        `Run ${unfinished.id} of this recipe is unfinished; going on with it (--new starts another).`,
      );
      await workOnHeld(store, unfinished, options, { wanted: recipe });
      return;
    }
    const same = (run: RunRow) => run.recipeHash === recipeHash && run.state === "finished";
    const finished = flags.once ? store.runs.all().findLast(same) : null;
    if (finished) {
      output.line(`Run ${finished.id} of this recipe has finished; --once starts no other.`);
      return;
    }
    if (!flags.new) refuseOtherVersion(store, recipe, prompts);
    const machine = await openMachine(options.workspace, recipe, output, options.signal);
    let run: RunRow;
    try {
      run = await newRun(store, { recipe, recipeHash, prompts }, machine, output);
    } catch (error) {
      await machine.close();
      throw error;
    }
    await workOnHeld(store, run, options, { wanted: recipe, opened: machine });
  });
}

/** The recipe's student, with the GGUF file that --model names in place of its own. */
function studentOf({ model }: Recipe, file: string | undefined): Recipe["model"] {
  if (file === undefined) return model;
  if (model.provider === "embedded") return { ...model, path: resolve(file) };
  throw new RedistillError(
    "usage",
    `--model ${file}: the recipe's model is ${modelName(model)} of ${model.provider}, not a file`,
    "Set model in the recipe.",
  );
}

/** The recipe's tasks, or those of the file that --tasks names. */
function tasksOf({ tasks }: Recipe, file: string | undefined): Recipe["tasks"] {
  if (file === undefined) return tasks;
  if (tasks.source === "jsonl") return { ...tasks, path: resolve(file) };
  throw new RedistillError(
    "usage",
    `--tasks ${file}: the recipe takes its tasks from ${tasks.source}, not from a file`,
    "Set tasks.source: jsonl in the recipe.",
  );
}

/** `redistill resume [run]`: goes on where a run was left, with the recipe it began with; budgets may be raised. */
export async function resumeCommand(
  runId: string | undefined,
  flags: { budget?: readonly string[] },
  options: RunOptions,
): Promise<void> {
  const { workspace, output } = options;
  requireDatabase(workspace);
  await withWritableStore(options, async (store) => {
    const all = store.runs.all();
    const run = runId
      ? store.runs.find(runId)
      : (all.findLast(({ state }) => state !== "finished") ?? all.at(-1) ?? null);
    if (!run) {
      throw new RedistillError(
        "usage",
        runId ? `no run ${runId} in ${workspace.database}` : `no run in ${workspace.database}`,
        "`redistill status` lists the runs; `redistill run <recipe>` starts one.",
      );
    }
    if (run.state === "finished") {
      await telling(store, run, output, async () => {});
      output.line(`Run ${run.id} has finished; nothing is left to do.`);
      output.line(`Its report: redistill report ${run.id}`);
      return;
    }
    const changed = changedSince(run, store.runs.prompts(run.id), workspace);
    if (changed.length > 0) {
      output.note(
        `Changed since run ${run.id} began: prompt ${changed.join(", prompt ")}. The run goes on with its own copy; \`redistill run <recipe> --new\` starts one with what is there now.`,
      );
    }
    if (takeBackPause(store, run)) output.line(`The pause of run ${run.id} is taken back.`);
    const budget = withBudgets(run.recipe.budget, flags.budget ?? []);
    await workOnHeld(store, run, options, { wanted: { ...run.recipe, budget } });
  });
}

export async function withWritableStore(
  { workspace, output }: Pick<RunOptions, "workspace" | "output">,
  use: (store: Store) => Promise<void>,
): Promise<void> {
  const store = Store.open(workspace.database, migrationsDirectory);
  try {
    await use(store);
  } catch (error) {
    throw store.explained(error);
  } finally {
    output.close();
    store.close();
  }
}

/** A new run, after everything that would not fit was refused. */
export async function newRun(
  store: Store,
  made: { recipe: Recipe; recipeHash: string; prompts: readonly PromptSnapshot[] },
  machine: Machine,
  output: Output,
): Promise<RunRow> {
  const { tasks, leftOut } = await collectTasks(made.recipe, machine.generator);
  if (leftOut > 0) {
    output.line(`${leftOut} training tasks left out: they resemble held-out ones.`);
  }
  const sets = tasksBySplit(tasks);
  const prompts = promptsFrom(made.prompts);
  // Any of its critiques may be what a round asks with.
  const critiques = [...critiquesFrom(made.prompts).values()];
  for (const critique of critiques) refuseBredOn(store, made.recipe, sets, critique);
  requireCapable(made.recipe, machine.models.teacher);
  for (const critique of critiques.length > 0 ? critiques : [null]) {
    await requireFits(made.recipe, sets, { ...prompts, critique }, machine.models);
  }
  return createRun(
    store,
    {
      ...made,
      modelDigest: machine.models.student.digest,
      roles: identities(made.recipe, machine.models),
      modelPath: machine.modelPath,
      modelSha256: machine.modelSha256,
    },
    tasks,
  );
}
