import type { Progress } from "../../controller/progress.js";
import { oneLine, readEnded, readSpend, saysHowToGoOn, spendTexts } from "../../report/index.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";
import { describeProgress } from "../describe.js";
import { holderOf, isWorkedOn } from "../holder.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { findRun, openForReading } from "../reading.js";
import { tableLines } from "../table.js";

interface Shared {
  readonly workspace: Workspace;
  readonly output: Output;
}

/** `redistill status [run]`: all runs in a line each, or one in detail. Reads only. */
export function statusCommand(runId: string | undefined, { workspace, output }: Shared): void {
  const store = openForReading(workspace);
  try {
    if (store !== null && runId !== undefined) {
      showOne(store, findRun(store, runId), output);
      return;
    }
    const runs = (store?.runs.all() ?? []).map((run) => summarize(store!, run));
    output.result({ kind: "status", runs });
    if (runs.length === 0) {
      output.line(
        "No runs here yet. `redistill run <recipe>` starts one; `redistill init` writes a recipe.",
      );
      return;
    }
    const rows = runs.map(({ id, state, round, rounds, incumbent, lastDecision, evolution }) => [
      id,
      state,
      evolution === null ? `round ${round}/${rounds}` : `evolution of ${evolution.prompt}`,
      evolution === null ? `incumbent ${shortName(incumbent)}` : `done: ${evolution.step}`,
      lastDecision === null ? "" : `last: ${lastDecision}`,
    ]);
    for (const text of tableLines(rows)) output.line(text);
    for (const { id, state, failure, hint } of runs) {
      if (state === "stopped unexpectedly")
        output.line(`\nGo on with ${id}: redistill resume ${id}`);
      if (state === "paused") output.line(`\n${id} waits: ${oneLine(failure ?? "", 500)}`);
      if (state === "paused" && hint !== null) output.line(`  ${oneLine(hint, 500)}`);
    }
  } finally {
    store?.close();
  }
}

/** A run as the list shows it. */
function summarize(store: Store, run: RunRow) {
  const rounds = store.rounds.all(run.id);
  const taken = store.readings.rolledBack(run.id);
  const decisions = rounds.flatMap(({ number }) => {
    const decision = store.rounds.decision(run.id, number);
    return decision ? [{ round: number, ...decision, rolledBack: taken.includes(number) }] : [];
  });
  const orphaned = run.state === "running" && !isWorkedOn(store, run);
  return {
    id: run.id,
    state: orphaned ? "stopped unexpectedly" : run.state,
    round: rounds.at(-1)?.number ?? 0,
    rounds: run.recipe.rounds,
    incumbent: run.incumbent,
    lastDecision: decisions.at(-1)?.rolledBack
      ? "rolled back"
      : (decisions.at(-1)?.outcome ?? null),
    failure: run.failure,
    hint: readEnded(store, run)?.hint ?? null,
    progress: orphaned ? null : run.progress,
    decisions,
    quarantined: store.suspects.quarantined(run.id),
    evolution: evolutionOf(store, run),
  };
}

/** What a search for a prompt has done last; null for a run that learns. */
function evolutionOf(store: Store, { id }: RunRow): { prompt: string; step: string } | null {
  const spec = store.evolutions.spec(id);
  if (spec === null) return null;
  return { prompt: spec.prompt, step: store.evolutions.steps(id).at(-1)?.name ?? "nothing yet" };
}

function showOne(store: Store, run: RunRow, output: Output): void {
  const summary = summarize(store, run);
  const { state, round, rounds, decisions, progress, failure, hint } = summary;
  const spend = readSpend(store, run);
  output.result({ kind: "status", run: { ...summary, spend } });
  const owner = state === "running" ? ` (process ${run.ownerPid})` : "";
  const place =
    summary.evolution === null
      ? `round ${round} of ${rounds}`
      : `evolution of ${summary.evolution.prompt}, done: ${summary.evolution.step}`;
  output.line(`${run.id}: ${state}${owner}, ${place}`);
  const ended = state === "paused" ? "paused" : "failed";
  if (failure !== null) output.line(`  ${ended}: ${oneLine(failure, 500)}`);
  if (hint !== null) output.line(`  what to do: ${oneLine(hint, 500)}`);
  const holder = state === "running" ? null : holderOf(store, run);
  if (holder !== null)
    output.line(`  process ${holder.pid} has it: it waits for its window, or gets ready`);
  if (store.requests.pauseAsked(run.id))
    output.line("  a pause was asked for; resume takes it back");
  if (progress !== null) {
    const doing = describeProgress(progress as unknown as Progress);
    if (doing !== null) output.line(`  now: ${doing.trim()}`);
  }
  const done = store.rounds.stages(run.id).filter((row) => row.round === round);
  if (state !== "finished" && done.length > 0) {
    output.line(`  done in round ${round}: ${done.map(({ stage }) => stage).join(", ")}`);
  }
  for (const row of store.rounds.all(run.id)) {
    const decision = decisions.find((each) => each.round === row.number);
    if (!decision) continue;
    const adapter = row.candidate === null ? "" : ` (adapter ${row.candidate.slice(0, 12)})`;
    const reason = oneLine(decision.reason, 500);
    const outcome = `${decision.outcome}${decision.rolledBack ? ", then rolled back" : ""}`;
    output.line(`  round ${row.number} ${outcome}${adapter}: ${reason}`);
  }
  for (const { round: number, stage, crashes, reason } of summary.quarantined) {
    const what = crashes === 0 ? "got no answer" : `crashed the engine ${crashes} times`;
    output.line(
      `  given up in round ${number} ${stage}: a request that ${what} (${oneLine(reason, 200)})`,
    );
  }
  if (summary.evolution === null) output.line(`  incumbent: ${shortName(run.incumbent)}`);
  // A pause for a budget says in its hint what going on would take.
  const spent = spendTexts(spend).filter((text) => !hint?.includes(text));
  for (const text of spent) output.line(`  ${text}`);
  const next =
    state === "finished"
      ? `redistill report ${run.id}`
      : state === "running" || holder !== null || saysHowToGoOn(hint)
        ? null
        : `redistill resume ${run.id}`;
  if (next !== null) output.line(`  next: ${next}`);
}

function shortName(adapter: string | null): string {
  return adapter === null ? "base weights" : adapter.slice(0, 12);
}
