import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { frozenTasks, runFolder, workOn } from "../../controller/run.js";
import { RedistillError } from "../../core/errors.js";
import type { Recipe } from "../../core/recipe.js";
import { loadRecipe } from "../../recipes/load.js";
import { withLock } from "../../setup/lock.js";
import { collectTasks } from "../../sources/index.js";
import type { StagePrompts } from "../../stages/types.js";
import { type PromptSnapshot, type RunRow, recipeHash } from "../../store/runs.js";
import { Store } from "../../store/store.js";
import { type Machine, openMachine } from "../machine.js";
import type { Output } from "../output.js";
import { migrationsDirectory, type Workspace } from "../paths.js";
import { promptsFrom, snapshotPrompts } from "../prompts.js";
import { writeReport } from "../write-report.js";

export interface RunOptions {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** `redistill run <recipe>`: a new run, or the unfinished one of exactly this recipe. */
export async function runCommand(
  recipePath: string,
  flags: { model?: string; new?: boolean },
  options: RunOptions,
): Promise<void> {
  const { workspace, output } = options;
  const loaded = loadRecipe(recipePath);
  const recipe = flags.model
    ? { ...loaded, model: { ...loaded.model, path: flags.model } }
    : loaded;
  const snapshots = snapshotPrompts(recipe, workspace);
  const store = Store.open(workspace.database, migrationsDirectory);
  try {
    const unfinished = flags.new ? null : store.runs.unfinished(recipeHash(recipe));
    if (unfinished) {
      output.line(
        `Run ${unfinished.id} of this recipe is unfinished; going on with it (--new starts another).`,
      );
    }
    const machine = await openMachine(workspace, recipe.model, output, options.signal);
    try {
      const run = unfinished ?? (await createRun(store, recipe, snapshots, machine, output));
      await work(store, run, machine, options);
    } finally {
      await machine.close();
    }
  } finally {
    output.close();
    store.close();
  }
}

/** `redistill resume [run]`: goes on where a run was left, with the recipe it began with. */
export async function resumeCommand(runId: string | undefined, options: RunOptions): Promise<void> {
  const { workspace, output, signal } = options;
  const store = Store.open(workspace.database, migrationsDirectory);
  try {
    const run = runId ? store.runs.find(runId) : store.runs.latest();
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
    const machine = await openMachine(workspace, run.recipe.model, output, signal);
    try {
      await work(store, run, machine, options);
    } finally {
      await machine.close();
    }
  } finally {
    output.close();
    store.close();
  }
}

async function createRun(
  store: Store,
  recipe: Recipe,
  prompts: readonly PromptSnapshot[],
  machine: Machine,
  output: Output,
): Promise<RunRow> {
  const { tasks, leftOut } = await collectTasks(recipe, machine.generator);
  if (leftOut > 0) {
    output.line(`${leftOut} training tasks left out: they resemble held-out ones.`);
  }
  const id = store.runs.nextId(recipe.name);
  store.transaction(() => {
    store.runs.create({
      id,
      recipe,
      prompts,
      modelDigest: machine.model.digest,
      modelPath: machine.modelPath,
      folder: runFolder(id),
    });
    store.tasks.insertAll(id, tasks);
  });
  return store.runs.find(id) as RunRow;
}

async function work(
  store: Store,
  run: RunRow,
  machine: Machine,
  { workspace, output, signal }: RunOptions,
): Promise<void> {
  requireSameModel(run, machine);
  const prompts: StagePrompts = promptsFrom(store.runs.prompts(run.id));
  const folder = join(workspace.root, run.folder);
  mkdirSync(folder, { recursive: true });
  const refuse = (pid: number) => {
    throw new RedistillError(
      "state",
      `run ${run.id} is being worked on by process ${pid}`,
      `Watch it with \`redistill status ${run.id}\`, or stop that process first.`,
    );
  };
  await withLock(join(folder, "controller.lock"), { signal, onWait: refuse }, () =>
    workOn({
      store,
      runId: run.id,
      tasks: frozenTasks(store, run.id),
      prompts,
      model: machine.model,
      train: machine.train,
      verify: machine.verify,
      workspace: workspace.root,
      signal,
      observe: output.progress,
    }),
  );
  output.close();
  writeReport(store, run.id, workspace, output);
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
