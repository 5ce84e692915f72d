import type { Task } from "../core/entities.js";
import type { RoundRows } from "../core/round.js";
import type { RoundRow } from "../store/rounds.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import type { Reworked, RoundReport } from "./report.js";

export interface RoundWithText {
  readonly report: RoundReport;
  /** Reads the round's texts, which may be many. */
  reworked(): readonly Reworked[];
}

/** A round's figures, and its drafts that were put right. */
export function readRound(
  store: Store,
  { id: runId, recipe }: RunRow,
  { number, candidate: candidateSha256 }: RoundRow,
  tasks: ReadonlyMap<string, Task>,
): RoundWithText {
  const figures = store.figures.of(runId, number);
  const candidate = candidateSha256 === null ? null : store.adapters.find(candidateSha256);
  const decision = store.rounds.decision(runId, number);
  const report: RoundReport = {
    round: number,
    tasks: figures.elicited,
    attempts: figures.attempts,
    tasksSolved: figures.solved,
    critiques: figures.critiques,
    revisions: figures.revisions,
    tasksFixed: figures.fixed,
    examples: figures.examples,
    carriedOver: figures.carriedOver,
    refused: mergedReasons(figures.refused),
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
      ...(decision.retentionSuites ? { retentionSuites: decision.retentionSuites } : {}),
      level: decision.alpha,
      ...(decision.look ? { look: decision.look } : {}),
      margin: decision.retentionSuites ? null : (recipe.retention?.margin ?? null),
    },
  };
  const reworked = () =>
    figures.revisions.ok === 0 ? [] : fixedDrafts(number, store.rounds.load(runId, number), tasks);
  return { report, reworked };
}

/** With what other settings a round's candidate was trained: what the retrain stage said. */
function easedIn(store: Store, runId: string, round: number): string | null {
  const eased = store.rounds.summary(runId, round, "retrain")?.eased;
  return typeof eased === "string" ? eased : null;
}

/** Reasons with their counts, the commonest first; which task a twin was is not part of a reason. */
function mergedReasons(refused: RoundReport["refused"]): RoundReport["refused"] {
  const counts = new Map<string, number>();
  for (const { reason, count } of refused) {
    const kind = reason.replace(/ held-out task .*$/, " a held-out one");
    counts.set(kind, (counts.get(kind) ?? 0) + count);
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
