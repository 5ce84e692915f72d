import { stableId } from "../../core/hash.js";
import {
  beyondCap,
  type LessonCounts,
  type LongTermLesson,
  lessonFault,
  saysTheContrary,
  saysTheSame,
  weakerOf,
} from "../../core/lesson.js";
import { heldOutLeaks } from "../../core/lesson-leaks.js";
import { familyOf } from "../../core/long-term.js";
import type { NewLesson, Occasion, TaskEvidence } from "../../store/long-term.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";
import { heldOutTasks } from "./recall.js";

/** A line that a run or its coach would remember, with the training tasks that speak for it. */
export interface LessonDraft {
  readonly text: string;
  readonly cluster: string | null;
  readonly source: "run" | "coach";
  readonly evidence: readonly TaskEvidence[];
}

/** What became of a draft: the lesson that it is now or speaks for, or why no memory may hold it. */
export type Written = { readonly id: string } | { readonly refused: string };

/**
 * Writes lessons of a run into the memory of its family. Call it inside the transaction of whatever they follow from.
 * Nothing is kept that is no lesson, that rests on another task than one of the run's training tasks, or that could
 * give one of its held-out tasks away.
 *
 * @returns one for each draft, in order.
 */
export function writeLessons(
  store: Store,
  run: RunRow,
  round: number,
  drafts: readonly LessonDraft[],
): Written[] {
  const refusals = lessonRefusals(store, run, drafts);
  const family = familyOf(run.recipe);
  return drafts.map((draft, index): Written => {
    const refused = refusals[index];
    if (refused) return { refused };
    const { text, cluster, source, evidence } = draft;
    const counts = noCounts(store.longTerm.clock(family));
    const lesson = { family, cluster, text, source, counts, elsewhere: [] };
    const { cap } = run.recipe.longTerm!;
    return admit(store, lesson, { cap, where: { runId: run.id, round }, evidence });
  });
}

/**
 * Why the memory of a run's family would not take these drafts as it is now; nothing is written.
 *
 * @returns one for each draft, in order; null where it would be taken.
 */
export function lessonRefusals(
  store: Store,
  run: RunRow,
  drafts: readonly LessonDraft[],
): (string | null)[] {
  if (!run.recipe.longTerm?.write) return drafts.map(() => "the recipe's longTerm.write is off");
  const family = familyOf(run.recipe);
  const prompts = new Map(
    store.tasks.ofSplit(run.id, "train").map((task) => [task.id, task.prompt]),
  );
  const leaks = heldOutLeaks(
    heldOutTasks(store, run.id),
    run.recipe.curate.nearDuplicate,
    drafts.map(({ text, evidence }, index) => ({
      id: String(index),
      text,
      prompts: evidence.flatMap(({ taskId }) => prompts.get(taskId) ?? []),
    })),
  );
  return drafts.map((draft, index) => {
    const stray = draft.evidence.find(({ taskId }) => !prompts.has(taskId));
    return (
      lessonFault(draft.text) ??
      (stray ? `${stray.taskId} is no training task of run ${run.id}` : null) ??
      leaks.get(String(index)) ??
      forgottenAs(knownAs(store, { ...draft, family }).known)
    );
  });
}

/** One lesson; see `writeLessons`. */
export function writeLesson(store: Store, run: RunRow, round: number, draft: LessonDraft): Written {
  return writeLessons(store, run, round, [draft])[0]!;
}

/** Before anything was counted. */
export function noCounts(countedAt: number): LessonCounts {
  return { shownRight: 0, shownTasks: 0, withheldRight: 0, withheldTasks: 0, countedAt };
}

/** The id of a lesson by its first words: the same words of the same family are the same lesson anywhere. */
export function lessonId(family: string, text: string): string {
  return stableId("memory", family, text);
}

interface Admission {
  readonly cap: number;
  readonly where: Occasion;
  readonly evidence: readonly TaskEvidence[];
}

/**
 * Takes a lesson into its family: one that says the same as another speaks for that one; of two that contradict each
 * other the weaker is retired; beyond the cap the least valuable is.
 */
function admit(store: Store, lesson: Omit<NewLesson, "id">, how: Admission): Written {
  const { longTerm } = store;
  const { cap, where, evidence } = how;
  const { id, active, known } = knownAs(store, lesson);
  if (known !== null) return support(store, known, how);
  longTerm.insert({ ...lesson, id });
  longTerm.addEvidence(id, where.runId, evidence);
  longTerm.note({ lessonId: id, kind: "learned", version: 1, reason: null }, where);
  settleContradictions(store, id, active, where);
  keepWithinCap(store, lesson.family, cap, where);
  return { id };
}

/** The lesson of its family that says what a text says, if there is one, and those in use about the same failures. */
function knownAs(
  { longTerm }: Store,
  { family, cluster, text }: Pick<NewLesson, "family" | "cluster" | "text">,
) {
  const id = lessonId(family, text);
  const scope = longTerm
    .all(family)
    .filter(({ cluster: own }) => own === null || [null, own].includes(cluster));
  const active = scope.filter(({ state }) => state === "active");
  const known = longTerm.find(id) ?? saysTheSame(text, active) ?? saysTheSame(text, scope);
  return { id, active, known };
}

/** Why what somebody took out for good is not learned again; null for anything else. */
function forgottenAs(known: LongTermLesson | null): string | null {
  return known?.state === "forgotten" ? `it says what was forgotten: ${known.text}` : null;
}

/** What says the same as a lesson speaks for it; one that only gave way to better ones is in use again. */
function support(store: Store, known: LongTermLesson, how: Admission): Written {
  const { cap, where, evidence } = how;
  const { longTerm } = store;
  const { id, version, retiredFor } = known;
  const refused = forgottenAs(known);
  if (refused !== null) return { refused };
  longTerm.addEvidence(id, where.runId, evidence);
  longTerm.note({ lessonId: id, kind: "supported", version, reason: null }, where);
  if (retiredFor === "cap") {
    longTerm.revive(id);
    longTerm.setUsed(id, longTerm.clock(known.family));
    longTerm.note(
      { lessonId: id, kind: "revived", version, reason: "it was learned again" },
      where,
    );
    keepWithinCap(store, known.family, cap, where);
  }
  return { id };
}

/** Retires the weaker of each pair that says contrary things, until the lesson itself is the weaker one. */
export function settleContradictions(
  store: Store,
  id: string,
  others: readonly LongTermLesson[],
  where: Occasion | null,
): void {
  const { text } = store.longTerm.find(id)!;
  for (const other of saysTheContrary(text, others)) {
    const lesson = store.longTerm.find(id)!;
    const weaker = weakerOf(lesson, other, store.longTerm.clock(lesson.family));
    const winner = weaker.id === id ? other : lesson;
    retire(store, weaker, "contradicted", `it contradicts ${winner.id}: ${winner.text}`, where);
    if (weaker.id === id) return;
  }
}

function keepWithinCap(store: Store, family: string, cap: number, where: Occasion): void {
  const now = store.longTerm.clock(family);
  for (;;) {
    const least = beyondCap(store.longTerm.active(family), cap, now);
    if (least === null) return;
    retire(store, least, "cap", `the family has ${cap} lessons that are worth more`, where);
  }
}

/** Takes a lesson out of use, with the reason. */
export function retire(
  store: Store,
  { id, version }: LongTermLesson,
  retiredFor: "cap" | "contradicted" | "unhelpful",
  reason: string,
  where: Occasion | null,
): void {
  store.longTerm.retire(id, "retired", retiredFor, reason);
  store.longTerm.note({ lessonId: id, kind: "retired", version, reason }, where);
}
