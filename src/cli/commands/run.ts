import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { requireFits } from "../../controller/fits.js";
import { frozenTasks, runFolder, tasksBySplit, workOn } from "../../controller/run.js";
import { RedistillError } from "../../core/errors.js";
import type { Recipe } from "../../core/recipe.js";
import { loadRecipe } from "../../recipes/load.js";
import { inspectModel } from "../../setup/gguf.js";
import { withLock } from "../../setup/lock.js";
import { checkTaskFiles, collectTasks } from "../../sources/index.js";
import type { PromptSnapshot, RunRow } from "../../store/runs.js";
import { Store } from "../../store/store.js";
import { requireTrainable } from "../../training/train.js";
import { verifiedAdapter } from "../adapters.js";
import { fingerprint } from "../fingerprint.js";
import { type Machine, openMachine } from "../machine.js";
import type { Output } from "../output.js";
import { migrationsDirectory, type Workspace } from "../paths.js";
import { promptsFrom, snapshotPrompts } from "../prompts.js";
import { type Watch, type WorkFlags, workThrough } from "../work-through.js";
import { writeReport } from "../write-report.js";

export interface RunOptions extends WorkFlags {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** `redistill run <recipe>`: a new run, or the unfinished one of exactly this recipe. */
export async function runCommand(
  recipePath: string,
  flags: { model?: string; tasks?: string; new?: boolean; once?: boolean },
  options: RunOptions,
): Promise<void> {
  const { output } = options;
  const loaded = loadRecipe(recipePath);
  const model = flags.model ? { ...loaded.model, path: resolve(flags.model) } : loaded.model;
  const recipe = { ...loaded, model, tasks: tasksOf(loaded, flags.tasks) };
  // All that can be wrong with the input is found before anything is fetched or built.
  checkTaskFiles(recipe);
  const prompts = snapshotPrompts(recipe, options.workspace);
  await withWritableStore(options, async (store) => {
    const recipeHash = await fingerprint(recipe, prompts);
    if (model.path !== "default") {
      requireTrainable(model.path, (await inspectModel(model.path)).architecture);
    }
    const unfinished = flags.new ? null : store.runs.unfinished(recipeHash);
    if (unfinished) {
      store.transaction(() => store.runs.reschedule(unfinished.id, recipe.schedule));
      output.line(
        `Run ${unfinished.id} of this recipe is unfinished; going on with it (--new starts another).`,
      );
      await workAlone(
        store,
        { ...unfinished, recipe: { ...unfinished.recipe, schedule: recipe.schedule } },
        options,
      );
      return;
    }
    const same = (run: RunRow) => run.recipeHash === recipeHash && run.state === "finished";
    const finished = flags.once ? store.runs.all().findLast(same) : null;
    if (finished) {
      output.line(`Run ${finished.id} of this recipe has finished; --once starts no other.`);
      return;
    }
    const machine = await openMachine(options.workspace, recipe.model, output, options.signal);
    let run: RunRow;
    try {
      run = await createRun(store, { recipe, recipeHash, prompts }, machine, output);
    } catch (error) {
      await machine.close();
      throw error;
    }
    await workAlone(store, run, options, machine);
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

/** `redistill resume [run]`: goes on where a run was left, with the recipe it began with. */
export async function resumeCommand(runId: string | undefined, options: RunOptions): Promise<void> {
  const { workspace, output } = options;
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
    if (store.transaction(() => store.requests.takeBack(run.id))) {
      output.line(`The pause of run ${run.id} is taken back.`);
    }
    await workAlone(store, run, options);
  });
}

async function withWritableStore(
  { workspace, output }: RunOptions,
  use: (store: Store) => Promise<void>,
): Promise<void> {
  const store = Store.open(workspace.database, migrationsDirectory);
  try {
    await use(store);
  } finally {
    output.close();
    store.close();
  }
}

async function createRun(
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
  const run = store.transaction(() => {
    const id = store.runs.nextId(made.recipe.name);
    store.runs.create({
      ...made,
      id,
      modelDigest: machine.model.digest,
      modelPath: machine.modelPath,
      modelSha256: machine.modelSha256,
      folder: runFolder(id),
    });
    store.tasks.insertAll(id, tasks);
    return store.runs.find(id);
  });
  return run as RunRow;
}

/**
 * Works on a run in its hours: first the lock, so that a second process starts no engine.
 *
 * @param opened The machine, if it is open already; it is closed here in any case.
 */
async function workAlone(
  store: Store,
  run: RunRow,
  options: RunOptions,
  opened: Machine | null = null,
): Promise<void> {
  let machine = opened;
  const release = async () => {
    await machine?.close();
    machine = null;
  };
  try {
    await withRunLock(run, options, () =>
      workThrough(store, run, { ...options, release }, async (watch) => {
        const { workspace, output, signal } = options;
        machine ??= await openMachine(workspace, run.recipe.model, output, signal);
        try {
          requireSameModel(run, machine);
          await work(store, run, machine, options, watch);
        } finally {
          await release();
        }
      }),
    );
  } finally {
    await release();
  }
  report(store, run.id, options);
}

async function withRunLock(
  run: RunRow,
  { workspace, signal }: RunOptions,
  use: () => Promise<void>,
): Promise<void> {
  const folder = join(workspace.root, run.folder);
  mkdirSync(folder, { recursive: true });
  const refuse = (pid: number) => {
    throw new RedistillError(
      "state",
      `run ${run.id} is being worked on by process ${pid}`,
      `Watch it with \`redistill status ${run.id}\`, or stop that process first.`,
    );
  };
  await withLock(join(folder, "controller.lock"), { signal, onWait: refuse }, use);
}

function work(
  store: Store,
  run: RunRow,
  machine: Machine,
  { workspace, signal }: RunOptions,
  watch: Watch,
): Promise<void> {
  return workOn({
    store,
    runId: run.id,
    tasks: frozenTasks(store, run.id),
    prompts: promptsFrom(store.runs.prompts(run.id)),
    model: machine.model,
    train: machine.train,
    verify: machine.verify,
    workspace: workspace.root,
    openAdapter: (row) => verifiedAdapter(row, workspace, signal),
    signal,
    ...watch,
  });
}

function report(store: Store, runId: string, { workspace, output }: RunOptions): void {
  output.close();
  writeReport(store, runId, workspace, output);
}

/** Answers of different weights or engines may not be mixed in one run. */
function requireSameModel(run: RunRow, machine: Machine): void {
  if (run.modelDigest === machine.model.digest) return;
  throw new RedistillError(
    "state",
    `run ${run.id} began with another model or engine (${run.modelDigest.slice(0, 12)}, now ${machine.model.digest.slice(0, 12)})`,
    "Put the former weights and redistill version back to resume it, or start a new run with --new.",
  );
}
