import { adoptSettings } from "../controller/adopt.js";
import type { Beside } from "../controller/calls-under-way.js";
import type { CoachParts } from "../controller/coach/types.js";
import { type Held, withLease } from "../controller/lease.js";
import { frozenTasks, workOn } from "../controller/run.js";
import type { RunContext } from "../controller/unit.js";
import { systemClock } from "../core/clock.js";
import type { Changeable, Recipe } from "../core/recipe.js";
import type { AdapterRow } from "../core/round.js";
import { evolutionCourse } from "../evolution/evolve.js";
import { readVariant } from "../prompts/variant.js";
import { markOf } from "../setup/lock.js";
import { LeaseLostError } from "../store/leases.js";
import type { PromptSnapshot, RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { createRemember } from "../training/remember.js";
import { openCandidate } from "./adapters.js";
import { promptPublisher } from "./evolutions.js";
import { type Machine, openMachine } from "./machine.js";
import { withNotifications } from "./notifying.js";
import type { Output } from "./output.js";
import type { Workspace } from "./paths.js";
import { thisMachine } from "./processes.js";
import { coachPromptsFrom, critiquesFrom, embedPromptFrom, promptsFrom } from "./prompts.js";
import { requireSameModels } from "./same-model.js";
import { type Watch, type WorkFlags, workThrough } from "./work-through.js";
import { writeReport, writeReportSoFar } from "./write-report.js";

export interface RunOptions extends WorkFlags {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** What the run shares with others that this process works on at the same time. */
  readonly beside?: Beside;
}

/**
 * Works on a run in its hours: first the lease, so that a second process starts no engine. A machine
 * that is open already is closed here in any case.
 *
 * @param begin The settings that the run takes over, the machine if it is open, and how one is opened otherwise.
 */
export async function workOnHeld(
  store: Store,
  run: RunRow,
  options: RunOptions,
  {
    wanted,
    opened = null,
    open,
  }: {
    wanted: Changeable;
    opened?: Machine | null;
    open?: (recipe: Recipe) => Promise<Machine>;
  },
): Promise<void> {
  const { workspace, output, beside } = options;
  let machine = opened;
  const release = async () => {
    const current = machine;
    machine = null;
    await current?.close();
  };
  const lease = { processes: thisMachine(), clock: systemClock, signal: options.signal };
  try {
    await withLease(store, run.id, lease, async (held) => {
      const { signal } = held;
      const current = adopted(held.store, run, wanted, output);
      const working = async (watch: Watch) => {
        machine ??= open
          ? await open(current.recipe)
          : await openMachine(workspace, current.recipe, output, signal);
        try {
          requireSameModels(current, machine.models, ", or start a new run with --new");
          await work(held, current, machine, workspace, { ...watch, ...(beside && { beside }) });
        } finally {
          await release();
        }
      };
      const waiting = beside ? AbortSignal.any([signal, beside.enough]) : signal;
      try {
        await telling(held.store, current, output, () =>
          workThrough(held.store, current, { ...options, signal: waiting, release }, working),
        );
      } catch (error) {
        // Whoever took the run over writes its report.
        if (!(error instanceof LeaseLostError)) {
          await writeReportSoFar(store, run.id, workspace, output);
        }
        throw error;
      }
    });
  } finally {
    await release();
  }
  output.close();
  await writeReport(store, run.id, workspace, output);
}

/** The run with the settings that it takes over, after saying which are others now. */
function adopted(store: Store, run: RunRow, wanted: Changeable, output: Output): RunRow {
  const changed = adoptSettings(store, run, wanted);
  if (changed.length > 0) {
    output.line(`Run ${run.id} has changed settings now: ${changed.join(", ")}.`);
  }
  return store.runs.find(run.id) as RunRow;
}

/** Sends the run's notifications meanwhile. */
export function telling(
  store: Store,
  run: RunRow,
  output: Output,
  use: () => Promise<void>,
): Promise<void> {
  return withNotifications(store, run, (text) => output.progress({ kind: "note", text }), use);
}

async function work(
  { store, signal, watchWorker }: Held,
  run: RunRow,
  machine: Machine,
  workspace: Workspace,
  watch: Watch & { readonly beside?: Beside },
): Promise<void> {
  watchWorker(() => (machine.workerPid === null ? null : markOf(machine.workerPid)));
  const isSearch = store.evolutions.spec(run.id) !== null;
  const course = isSearch ? evolutionCourse(promptPublisher(workspace)) : undefined;
  const context = {
    store,
    runId: run.id,
    tasks: frozenTasks(store, run.id),
    prompts: promptsFrom(store.runs.prompts(run.id)),
    critiques: () => critiquesFrom(store.runs.prompts(run.id)),
    coach: await coachOf(store.runs.prompts(run.id)),
    models: machine.models,
    ...embeddingOf(machine, store.runs.prompts(run.id)),
    train: machine.train,
    verify: machine.verify,
    workspace: workspace.root,
    remember: createRemember(workspace.adapters),
    openAdapter: (row: AdapterRow) => openCandidate(row, workspace, signal),
    signal,
    ...watch,
  };
  return workOn(context, course);
}

/** What makes the vectors that a run's lessons are found by, where it wants any. */
function embeddingOf(
  { embedder }: Machine,
  snapshots: readonly PromptSnapshot[],
): Pick<RunContext, "embedding"> {
  return embedder ? { embedding: { embedder, frame: embedPromptFrom(snapshots) } } : {};
}

/** What a run's coach is asked with; LangChain is loaded only for a run that has one. */
async function coachOf(snapshots: readonly PromptSnapshot[]): Promise<CoachParts | null> {
  const prompts = coachPromptsFrom(snapshots);
  if (prompts === null) return null;
  const { runAgent } = await import("../models/langchain/agent.js");
  return { prompts, runAgent, readVariant };
}
