import type { LongTermLesson } from "../core/lesson.js";

export type LessonRow = Omit<LongTermLesson, "counts"> & LongTermLesson["counts"];

/** Lessons as they are now, with how many different tasks speak for them. */
export const selectLessons = `SELECT l.id, family, cluster, text, l.version, state, retired_for AS retiredFor, reason, source,
    learned_at AS learnedAt, used_at AS usedAt, counted_at AS countedAt, shown_right AS shownRight,
    shown_tasks AS shownTasks, withheld_right AS withheldRight, withheld_tasks AS withheldTasks,
    (SELECT count(DISTINCT task_id) FROM memory_evidence e WHERE e.lesson_id = l.id AND attempt_id IS NOT NULL) AS tasks
  FROM memory_lessons l JOIN memory_versions v ON v.lesson_id = l.id AND v.version = l.version`;

export function asLesson(row: LessonRow): LongTermLesson {
  const { shownRight, shownTasks, withheldRight, withheldTasks, countedAt, ...rest } = row;
  return { ...rest, counts: { shownRight, shownTasks, withheldRight, withheldTasks, countedAt } };
}
