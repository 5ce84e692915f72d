import { RedistillError } from "../../core/errors.js";
import { type LongTermLesson, lessonFault, saysTheSame } from "../../core/lesson.js";
import type { LessonLine } from "../../core/lesson-file.js";
import { heldOutLeaks } from "../../core/lesson-leaks.js";
import { familyOf } from "../../core/long-term.js";
import type { Store } from "../../store/store.js";
import { heldOutTasks } from "./recall.js";
import { lessonId, settleContradictions } from "./write.js";

const unchanged = "Nothing was changed.";

/**
 * Gives a lesson other words; the former ones stay in its history. Call it inside a transaction.
 *
 * @throws RedistillError `usage` for words that are no lesson, or that could give a held-out task of a run away;
 * `state` for a lesson that is not in use.
 */
export function editLesson(store: Store, lesson: LongTermLesson, text: string): void {
  const { id, family, version } = lesson;
  if (lesson.state !== "active") {
    const hint = "Only lessons in use can be edited; `redistill memory list` shows them.";
    throw new RedistillError("state", `${id} is ${lesson.state}: ${lesson.reason}`, hint);
  }
  const others = store.longTerm.active(family).filter((each) => each.id !== id);
  const same = saysTheSame(text, others);
  const fault =
    lessonFault(text) ??
    (text === lesson.text ? "these are its words already" : null) ??
    (same ? `${same.id} says the same: ${same.text}` : null) ??
    leakInFamily(store, family, text);
  if (fault !== null)
    throw new RedistillError("usage", `${id} was not edited: ${fault}`, unchanged);
  store.longTerm.edit(id, text);
  store.longTerm.note({ lessonId: id, kind: "edited", version: version + 1, reason: null }, null);
  settleContradictions(store, id, others, null);
}

/**
 * Takes a lesson out of use for good: nothing that says the same is learned again. Call it inside a transaction.
 *
 * @throws RedistillError `state` for one that was forgotten before.
 */
export function forgetLesson(store: Store, { id, state, version }: LongTermLesson): void {
  if (state === "forgotten") {
    throw new RedistillError("state", `${id} was forgotten before`, unchanged);
  }
  const reason = "forgotten by hand";
  store.longTerm.retire(id, "forgotten", "hand", reason);
  store.longTerm.note({ lessonId: id, kind: "forgotten", version, reason }, null);
}

/**
 * Takes in a lesson of a file. One that is known, or says the same as a known one, changes nothing. Call it inside a
 * transaction.
 *
 * @returns whether it is new here, or what is wrong with it, as a sentence.
 */
export function importLesson(store: Store, line: LessonLine): boolean | { readonly fault: string } {
  const { family, cluster, texts, state, reason, counts, tasks } = line;
  const [first, last] = [texts[0]!, texts.at(-1)!];
  const fault = leakInFamily(store, family, last);
  if (fault !== null) return { fault };
  const known = store.longTerm.all(family);
  const id = lessonId(family, first);
  if (known.some((each) => each.id === id) || saysTheSame(last, known) !== null) return false;
  const counted = { ...counts, countedAt: store.longTerm.clock(family) };
  const lesson = { id, family, cluster, text: first, source: "import" as const, counts: counted };
  store.longTerm.insert({ ...lesson, elsewhere: tasks });
  for (const text of texts.slice(1)) store.longTerm.edit(id, text);
  store.longTerm.setCounts(id, counted);
  store.longTerm.note(
    { lessonId: id, kind: "imported", version: texts.length, reason: null },
    null,
  );
  if (state !== "active") store.longTerm.retire(id, state, "hand", reason!);
  else
    settleContradictions(
      store,
      id,
      known.filter((each) => each.state === "active"),
      null,
    );
  return true;
}

/** Why words could give a held-out task of a run of the family away; null if they cannot. Reading looks again. */
function leakInFamily(store: Store, family: string, text: string): string | null {
  for (const { id, recipe } of store.runs.all()) {
    if (recipe.longTerm === null || familyOf(recipe) !== family) continue;
    const held = heldOutTasks(store, id);
    const leaks = heldOutLeaks(held, recipe.curate.nearDuplicate, [
      { id: "new", text, prompts: [] },
    ]);
    const leak = leaks.get("new");
    if (leak !== undefined) return `${leak} of run ${id}`;
  }
  return null;
}

/** A lesson as a line of a file. */
export function exportedLesson(store: Store, lesson: LongTermLesson): LessonLine {
  const { id, family, cluster, state, reason, counts } = lesson;
  const { countedAt: _clock, ...counted } = counts;
  const [{ prompts } = { prompts: [] }] = store.longTerm.learnedFrom([lesson]);
  return {
    ...{ schema: "redistill-lesson" as const, version: 1 as const, family, cluster, state, reason },
    ...{ texts: store.longTerm.versions(id).map(({ text }) => text), counts: counted },
    tasks: [...prompts],
  };
}
