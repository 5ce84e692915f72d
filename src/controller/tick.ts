import { relative } from "node:path";
import type { Clock } from "../core/clock.js";
import type { Adapter } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import type { ChatModel, Train, Verify } from "../core/ports.js";
import type { AdapterRow } from "../core/round.js";
import { Hours } from "../schedule/index.js";
import { answerSuite } from "../stages/evaluate.js";
import { stages } from "../stages/index.js";
import type {
  StageInput,
  StageOutput,
  StagePorts,
  StagePrompts,
  TaskSets,
} from "../stages/types.js";
import type { RoundRow } from "../store/rounds.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { admit } from "./admission.js";
import { Closing } from "./closing.js";
import { createComplete } from "./complete.js";
import { failpoint } from "./failpoint.js";
import type { Observe } from "./progress.js";

/** Everything that a run is made of; the command line wires it together. */
export interface RunContext {
  readonly store: Store;
  readonly runId: string;
  readonly tasks: TaskSets;
  readonly prompts: StagePrompts;
  readonly model: ChatModel;
  readonly train: Train;
  readonly verify: Verify;
  /** Folder that adapters' paths are relative to. */
  readonly workspace: string;
  /** Looks at an adapter's file before it is used: its sha256 names it in every cached call. */
  openAdapter(row: AdapterRow): Promise<Adapter>;
  readonly signal: AbortSignal;
  readonly observe: Observe;
  readonly clock: Clock;
  /** When the run may work; by default as its recipe says. */
  readonly hours?: Hours;
}

/** After the last round: base and final weights answer the sealed suite. */
const finalStage = "final";

/**
 * Does one unit of work: the next stage that has no row, or the final test. What is next is read
 * from the database each time, so that a run goes on from wherever it was left.
 *
 * @returns whether the run has more to do.
 */
export async function tick(context: RunContext): Promise<boolean> {
  const run = runOf(context);
  if (run.state === "finished") return false;
  admit({ ...context, hours: hoursOf(context, run) });
  const rounds = context.store.rounds.all(run.id);
  const last = rounds.at(-1);
  if (last === undefined || last.finishedAt !== null) {
    const number = (last?.number ?? 0) + 1;
    if (number > run.recipe.rounds) {
      await finish(context, run);
      return false;
    }
    context.store.transaction(() => context.store.rounds.begin(run.id, number, run.incumbent));
    return true;
  }
  await nextStage(context, run, last);
  return true;
}

function hoursOf({ hours, clock }: RunContext, { recipe }: RunRow): Hours {
  // Runs of before there were schedules have none in their recipe.
  return hours ?? new Hours(recipe.schedule ?? null, null, clock);
}

export function runOf({ store, runId }: Pick<RunContext, "store" | "runId">): RunRow {
  const run = store.runs.find(runId);
  if (run) return run;
  throw new RedistillError("usage", `no run ${runId}`, "`redistill status` lists the runs.");
}

async function nextStage(context: RunContext, run: RunRow, round: RoundRow): Promise<void> {
  const { store, observe } = context;
  const done = new Set(
    store.rounds
      .stages(run.id)
      .filter((row) => row.round === round.number)
      .map(({ stage }) => stage),
  );
  const next = stages.find(([name]) => !done.has(name));
  if (next === undefined) {
    store.transaction(() => store.rounds.finish(run.id, round.number));
    return;
  }
  const [name, stage] = next;
  observe({ kind: "stage", round: round.number, stage: name });
  const startedAt = context.clock.monotonic();
  const input = await inputFor(context, run, round);
  const output = await stage(input, portsFor(context, run, round, name));
  const seconds = (context.clock.monotonic() - startedAt) / 1000;
  failpoint(`stage:${name}:before`);
  store.transaction(() => commit(context, run, round, { name, seconds, ...output }));
  failpoint(`stage:${name}:after`);
  observe({
    kind: "stage-done",
    round: round.number,
    stage: name,
    summary: output.summary,
    seconds,
    runSecondsLeft: secondsLeft(context, run),
  });
  const { decision } = output.rows;
  if (decision) observe({ kind: "decision", round: round.number, decision });
}

/** A stage's rows, and with the gate's also its consequence: all or nothing. */
function commit(
  { store }: RunContext,
  run: RunRow,
  round: RoundRow,
  stage: StageOutput & { name: string; seconds: number },
): void {
  store.rounds.commitStage(run.id, round.number, stage);
  const { decision } = stage.rows;
  if (!decision) return;
  if (decision.outcome === "promoted") store.runs.setIncumbent(run.id, round.candidate);
  store.events.append(run.id, round.number, decision.outcome, { reason: decision.reason });
  store.rounds.finish(run.id, round.number);
}

async function inputFor(context: RunContext, run: RunRow, round: RoundRow): Promise<StageInput> {
  const { store, tasks, prompts } = context;
  const rows = store.rounds.load(run.id, round.number);
  return {
    recipe: run.recipe,
    round: round.number,
    incumbent: await adapterOf(context, round.incumbent),
    candidate: rows.candidate && (await context.openAdapter(rows.candidate)),
    tasks,
    prompts,
    rows,
    earlierExamples: round.number > 1 ? store.rounds.examples.of(run.id, round.number - 1) : [],
  };
}

function portsFor(context: RunContext, run: RunRow, round: RoundRow, stage: string): StagePorts {
  const { store, model, signal, observe, verify, train } = context;
  const payer = { runId: run.id, round: round.number, stage, score: scoreOf(context, run) };
  const closing = new Closing(hoursOf(context, run), run.id);
  return {
    complete: createComplete({ store, model, payer, signal, observe, closing }),
    verify,
    train: async (job) => {
      const result = await closing.interrupting(signal, (stop) =>
        train(job, {
          signal: stop,
          onProgress: (progress) => {
            closing.check();
            observe({ kind: "training", round: round.number, ...progress });
          },
        }),
      );
      const { ggufPath, peftPath } = result;
      const from = (path: string) => relative(context.workspace, path);
      return { ...result, ggufPath: from(ggufPath), peftPath: from(peftPath) };
    },
    render: (messages) => model.render(messages),
    modelDigest: model.digest,
  };
}

/** The incumbent's share of the gate suite, once it has answered it. */
function scoreOf({ store }: RunContext, run: RunRow): number | null {
  const answers = store.rounds.evaluations.of(run.id, "gate", run.incumbent);
  const right = answers.filter(({ verdict }) => verdict.outcome === "ok").length;
  return answers.length === 0 ? null : right / answers.length;
}

async function finish(context: RunContext, run: RunRow): Promise<void> {
  const { store, model, signal, observe, verify, tasks } = context;
  const round = run.recipe.rounds;
  const startedAt = context.clock.monotonic();
  if (tasks.sealed.length > 0) {
    observe({ kind: "stage", round, stage: finalStage });
    const payer = { runId: run.id, round, stage: finalStage, score: scoreOf(context, run) };
    const closing = new Closing(hoursOf(context, run), run.id);
    const complete = createComplete({ store, model, payer, signal, observe, closing });
    const input = { recipe: run.recipe, prompts: context.prompts, tasks };
    const models =
      run.incumbent === null ? [null] : [null, await adapterOf(context, run.incumbent)];
    for (const adapter of models) {
      const answers = await answerSuite(input, { complete, verify }, "sealed", adapter);
      store.transaction(() => store.rounds.evaluations.insertAll(run.id, answers));
    }
  }
  failpoint("finish:before");
  const seconds = (context.clock.monotonic() - startedAt) / 1000;
  store.transaction(() => {
    store.rounds.commitStage(run.id, round, { name: finalStage, rows: {}, summary: {}, seconds });
    store.events.append(run.id, null, "finished", { incumbent: run.incumbent });
    store.runs.release(run.id, "finished", null);
  });
  failpoint("finish:after");
  observe({ kind: "finished", runId: run.id });
}

async function adapterOf(context: RunContext, sha256: string | null): Promise<Adapter | null> {
  const row = sha256 === null ? null : context.store.adapters.find(sha256);
  return row && context.openAdapter(row);
}

/** The mean of the finished rounds, for the rounds that are left. */
function secondsLeft({ store }: RunContext, run: RunRow): number | null {
  const rows = store.rounds.stages(run.id);
  const finished = new Set(rows.filter(({ stage }) => stage === "gate").map(({ round }) => round));
  if (finished.size === 0) return null;
  const spent = rows
    .filter(({ round }) => finished.has(round))
    .reduce((sum, { seconds }) => sum + seconds, 0);
  const current = rows
    .filter(({ round }) => !finished.has(round))
    .reduce((sum, { seconds }) => sum + seconds, 0);
  const mean = spent / finished.size;
  return Math.max(0, mean * (run.recipe.rounds - finished.size) - current);
}
