import type { Attempt } from "../../core/entities.js";
import { faded, isUnhelpful, type LessonCounts, type RecalledLesson } from "../../core/lesson.js";
import { familyOf } from "../../core/long-term.js";
import { byTask } from "../../stages/support/requests.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";
import type { Recall } from "./recall.js";
import { retire, writeLessons } from "./write.js";

/**
 * What a round that ends leaves to the memory of its family: how its teacher's attempts at training tasks went with
 * lessons and without, and what it learned itself. Nothing of gate, sealed or retention suite is looked at. Call it
 * inside the round's last transaction.
 */
export function learnFromRound(store: Store, run: RunRow, round: number): void {
  if (!run.recipe.longTerm?.write) return;
  const rows = store.rounds.load(run.id, round);
  countOutcomes(store, run, round, rows.recalled, rows.attempts);
  const lines = rows.distilled.filter(({ refused }) => refused === null);
  writeLessons(
    store,
    run,
    round,
    lines.map(({ text, taskId, attemptId, critiqueId, revisionId }) => ({
      ...{ text, cluster: null, source: "run" as const },
      evidence: [{ round, taskId, attemptId, critiqueId, revisionId }],
    })),
  );
  store.longTerm.tickClock(familyOf(run.recipe));
  const text = whatHappened(store, run, round);
  if (text !== "") store.events.append(run.id, round, "lessons", { text });
}

/** "2 learned, 1 supported": lessons to which something happened in a round. */
function whatHappened(store: Store, run: RunRow, round: number): string {
  const own = store.longTerm.ofRun(run.id).filter((row) => row.round === round);
  const kinds = [...new Set(own.map(({ kind }) => kind))];
  return kinds
    .map((kind) => {
      const lessons = own.filter((row) => row.kind === kind).map(({ lessonId }) => lessonId);
      return `${new Set(lessons).size} ${kind}`;
    })
    .join(", ");
}

/** Counts what became of each lesson that fitted a task, and retires those that were tried and do not help. */
function countOutcomes(
  store: Store,
  run: RunRow,
  round: number,
  recalled: readonly RecalledLesson[],
  attempts: readonly Attempt[],
): void {
  const shares = shareRight(attempts);
  const now = store.longTerm.clock(familyOf(run.recipe));
  const uses = new Map<string, RecalledLesson[]>();
  for (const use of recalled) uses.set(use.lessonId, [...(uses.get(use.lessonId) ?? []), use]);
  for (const [id, own] of uses) {
    const lesson = store.longTerm.find(id)!;
    if (own.some(({ shown }) => shown)) store.longTerm.setUsed(id, now);
    // What was counted belongs to other words, or the lesson was taken out of use meanwhile.
    if (lesson.version !== own[0]!.version || lesson.state !== "active") continue;
    const counts = own.reduce((sum, use) => added(sum, use, shares), faded(lesson.counts, now));
    store.longTerm.setCounts(id, counts);
    if (!isUnhelpful({ counts })) continue;
    const told = percent(counts.shownRight / counts.shownTasks);
    const untold = percent(counts.withheldRight / counts.withheldTasks);
    const reason = `tried and of no use: ${told} right with it, ${untold} without`;
    retire(store, lesson, "unhelpful", reason, { runId: run.id, round });
  }
}

const percent = (share: number) => `${(100 * share).toFixed(0)}%`;

/** The share of each task's attempts that were right; tasks whose attempts could not be graded are absent. */
function shareRight(attempts: readonly Attempt[]): Map<string, number> {
  const shares = new Map<string, number>();
  for (const [taskId, own] of byTask(attempts)) {
    const graded = own.filter(({ verdict }) => verdict.outcome !== "ungradable");
    const right = graded.filter(({ verdict }) => verdict.outcome === "ok").length;
    if (graded.length > 0) shares.set(taskId, right / graded.length);
  }
  return shares;
}

function added(
  counts: LessonCounts,
  { taskId, shown }: RecalledLesson,
  shares: ReadonlyMap<string, number>,
): LessonCounts {
  const share = shares.get(taskId);
  if (share === undefined) return counts;
  return shown
    ? { ...counts, shownRight: counts.shownRight + share, shownTasks: counts.shownTasks + 1 }
    : {
        ...counts,
        withheldRight: counts.withheldRight + share,
        withheldTasks: counts.withheldTasks + 1,
      };
}

/** Writes down, once for each lesson and version, which ones a run may not see. Call it inside a transaction. */
export function noteRefused(store: Store, run: RunRow, round: number, { refused }: Recall): void {
  if (refused.length === 0) return;
  const known = new Set(
    store.longTerm
      .ofRun(run.id)
      .filter(({ kind }) => kind === "refused")
      .map(({ lessonId, version }) => `${lessonId} ${version}`),
  );
  for (const { lesson, reason } of refused) {
    const { id, version } = lesson;
    if (known.has(`${id} ${version}`)) continue;
    const event = { lessonId: id, kind: "refused" as const, version, reason };
    store.longTerm.note(event, { runId: run.id, round });
  }
}
