import type { Attempt, Revision, Task } from "../core/entities.js";
import type { Refusal, RoundRows } from "../core/round.js";
import { countOutcomes } from "../stats/index.js";
import type { RoundRow } from "../store/rounds.js";
import type { Store } from "../store/store.js";
import type { Reworked, RoundReport } from "./report.js";

export interface RoundWithText {
  readonly report: RoundReport;
  readonly reworked: readonly Reworked[];
}

/** A round's figures, and its drafts that were put right. */
export function readRound(
  store: Store,
  runId: string,
  { number }: RoundRow,
  tasks: ReadonlyMap<string, Task>,
): RoundWithText {
  const rows = store.rounds.load(runId, number);
  const { candidate, decision, examples } = rows;
  const from = (kind: string) => examples.filter(({ source }) => source === kind).length;
  const report: RoundReport = {
    round: number,
    tasks: rows.elicited.length,
    attempts: outcomes(rows.attempts),
    tasksSolved: tasksRight(rows.attempts),
    critiques: rows.critiques.length,
    revisions: outcomes(rows.revisions),
    tasksFixed: tasksRight(rows.revisions),
    examples: { attempt: from("attempt"), revision: from("revision"), replay: from("replay") },
    carriedOver: examples.filter((e) => e.source !== "replay" && e.originRound < number).length,
    refused: countReasons(rows.refusals),
    training: candidate && {
      adapter: candidate.sha256,
      loss: candidate.finalLoss,
      tokens: candidate.tokens,
      eased: easedIn(store, runId, number),
    },
    decision: decision && {
      outcome: decision.outcome,
      reason: decision.reason,
      gate: decision.gate,
      retention: decision.retention,
      level: decision.alpha,
    },
  };
  return { report, reworked: fixedDrafts(number, rows, tasks) };
}

/** With what other settings a round's candidate was trained: what the retrain stage said. */
function easedIn(store: Store, runId: string, round: number): string | null {
  const stages = store.rounds.stages(runId);
  const row = stages.find((stage) => stage.round === round && stage.stage === "retrain");
  return typeof row?.summary.eased === "string" ? row.summary.eased : null;
}

function outcomes(items: readonly (Attempt | Revision)[]) {
  return countOutcomes(items.map(({ verdict }) => verdict.outcome));
}

function tasksRight(items: readonly (Attempt | Revision)[]): number {
  const right = items.filter(({ verdict }) => verdict.outcome === "ok");
  return new Set(right.map(({ taskId }) => taskId)).size;
}

/** Reasons with their counts, the commonest first; which task a twin was is not part of a reason. */
function countReasons(refusals: readonly Refusal[]): RoundReport["refused"] {
  const counts = new Map<string, number>();
  for (const { reason } of refusals) {
    const kind = reason.replace(/ held-out task .*$/, " a held-out one");
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts]
    .map(([reason, count]) => ({ reason, count }))
    .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
}

/** The first right revision of each task that has one, with the draft that it came from. */
function fixedDrafts(
  round: number,
  { attempts, critiques, revisions }: RoundRows,
  tasks: ReadonlyMap<string, Task>,
): Reworked[] {
  const drafts = new Map(attempts.map((attempt) => [attempt.id, attempt]));
  const said = new Map(critiques.map((critique) => [critique.id, critique.text]));
  const seen = new Set<string>();
  return revisions.flatMap((revision): Reworked[] => {
    const draft = drafts.get(revision.attemptId);
    const task = tasks.get(revision.taskId);
    if (revision.verdict.outcome !== "ok" || !draft || !task || seen.has(task.id)) return [];
    seen.add(task.id);
    const critique = revision.critiqueId === null ? null : (said.get(revision.critiqueId) ?? null);
    return [{ round, task: task.prompt, draft: draft.answer, critique, revision: revision.answer }];
  });
}
