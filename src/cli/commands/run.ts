import { resolve } from "node:path";
import { createRun } from "../../controller/create.js";
import { requireFits } from "../../controller/fits.js";
import { type Held, withLease } from "../../controller/lease.js";
import { frozenTasks, tasksBySplit, workOn } from "../../controller/run.js";
import { systemClock } from "../../core/clock.js";
import { RedistillError } from "../../core/errors.js";
import { requirePriced } from "../../core/money.js";
import type { Recipe } from "../../core/recipe.js";
import type { AdapterRow } from "../../core/round.js";
import { loadRecipe } from "../../recipes/load.js";
import { inspectModel } from "../../setup/gguf.js";
import { markOf } from "../../setup/lock.js";
import { checkTaskFiles, collectTasks } from "../../sources/index.js";
import { LeaseLostError } from "../../store/leases.js";
import type { PromptSnapshot, RunRow } from "../../store/runs.js";
import { Store } from "../../store/store.js";
import { requireTrainable } from "../../training/train.js";
import { verifiedAdapter } from "../adapters.js";
import { adoptBudget, withBudgets } from "../budget.js";
import { fingerprint } from "../fingerprint.js";
import { type Machine, openMachine } from "../machine.js";
import type { Output } from "../output.js";
import { migrationsDirectory, type Workspace } from "../paths.js";
import { thisMachine } from "../processes.js";
import { promptsFrom, snapshotPrompts } from "../prompts.js";
import { requireDatabase } from "../reading.js";
import { requireSameModel } from "../same-model.js";
import { writeReport, writeReportSoFar } from "../write-report.js";

export interface RunOptions {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** `redistill run <recipe>`: a new run, or the unfinished one of exactly this recipe. */
export async function runCommand(
  recipePath: string,
  flags: { model?: string; tasks?: string; new?: boolean },
  options: RunOptions,
): Promise<void> {
  const { output } = options;
  const loaded = loadRecipe(recipePath);
  const model = flags.model ? { ...loaded.model, path: resolve(flags.model) } : loaded.model;
  const recipe = { ...loaded, model, tasks: tasksOf(loaded, flags.tasks) };
  // All that can be wrong with the input is found before anything is fetched or built.
  checkTaskFiles(recipe);
  requirePriced(recipe);
  const prompts = snapshotPrompts(recipe, options.workspace);
  await withWritableStore(options, async (store) => {
    const recipeHash = await fingerprint(recipe, prompts);
    if (model.path !== "default") {
      requireTrainable(model.path, (await inspectModel(model.path)).architecture);
    }
    const unfinished = flags.new ? null : store.runs.unfinished(recipeHash);
    if (unfinished) {
      output.line(
        `Run ${unfinished.id} of this recipe is unfinished; going on with it (--new starts another).`,
      );
      await workAlone(store, unfinished, options, recipe);
      return;
    }
    await withMachine(recipe.model, options, async (machine) => {
      const run = await newRun(store, { recipe, recipeHash, prompts }, machine, output);
      await withRunLease(store, run, options, (held) => work(held, run, machine, options));
      await report(store, run.id, options);
    });
  });
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
      output.line(`Run ${run.id} has finished; nothing is left to do.`);
      output.line(`Its report: redistill report ${run.id}`);
      return;
    }
    const budget = withBudgets(run.recipe.budget, flags.budget ?? []);
    await workAlone(store, run, options, { ...run.recipe, budget });
  });
}

async function withWritableStore(
  { workspace, output }: RunOptions,
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

async function withMachine(
  model: Recipe["model"],
  { workspace, output, signal }: RunOptions,
  use: (machine: Machine) => Promise<void>,
): Promise<void> {
  const machine = await openMachine(workspace, model, output, signal);
  try {
    await use(machine);
  } finally {
    await machine.close();
  }
}

async function newRun(
  store: Store,
  made: { recipe: Recipe; recipeHash: string; prompts: readonly PromptSnapshot[] },
  machine: Machine,
  output: Output,
): Promise<RunRow> {
  const { tasks, leftOut } = await collectTasks(made.recipe, machine.generator);
  if (leftOut > 0) {
    output.line(`${leftOut} training tasks left out: they resemble held-out ones.`);
  }
  requireFits(made.recipe, tasksBySplit(tasks), promptsFrom(made.prompts), machine.model);
  return createRun(
    store,
    {
      ...made,
      modelDigest: machine.model.digest,
      modelPath: machine.modelPath,
      modelSha256: machine.modelSha256,
    },
    tasks,
  );
}

/** Goes on with a run that exists: first the lease, so that a second process starts no engine. */
async function workAlone(
  store: Store,
  run: RunRow,
  options: RunOptions,
  wanted: Pick<Recipe, "budget" | "prices">,
): Promise<void> {
  await withRunLease(store, run, options, (held) => {
    adoptBudget(held.store, run, wanted, (text) => options.output.line(text));
    return withMachine(run.recipe.model, { ...options, signal: held.signal }, (machine) => {
      requireSameModel(run, machine.model.digest, ", or start a new run with --new");
      return work(held, run, machine, options);
    });
  });
  await report(store, run.id, options);
}

function withRunLease(
  store: Store,
  run: RunRow,
  { signal }: RunOptions,
  use: (held: Held) => Promise<void>,
): Promise<void> {
  return withLease(store, run.id, { processes: thisMachine(), clock: systemClock, signal }, use);
}

async function work(
  { store, signal, watchWorker }: Held,
  run: RunRow,
  machine: Machine,
  { workspace, output }: RunOptions,
): Promise<void> {
  watchWorker(() => (machine.workerPid === null ? null : markOf(machine.workerPid)));
  const context = {
    store,
    runId: run.id,
    tasks: frozenTasks(store, run.id),
    prompts: promptsFrom(store.runs.prompts(run.id)),
    model: machine.model,
    train: machine.train,
    verify: machine.verify,
    workspace: workspace.root,
    openAdapter: (row: AdapterRow) => verifiedAdapter(row, workspace, signal),
    signal,
    observe: output.progress,
  };
  try {
    await workOn(context);
  } catch (error) {
    // Whoever took the run over writes its report.
    if (!(error instanceof LeaseLostError)) {
      await writeReportSoFar(store, run.id, workspace, output);
    }
    throw error;
  }
}

function report(store: Store, runId: string, { workspace, output }: RunOptions): Promise<void> {
  output.close();
  return writeReport(store, runId, workspace, output);
}
