import type { RecalledLesson } from "../core/lesson.js";
import type { Connection } from "./database.js";

/** Which lessons of the long-term memory fitted the tasks of a round, as they were then. */
export class RecalledTable {
  constructor(private readonly db: Connection) {}

  insertAll(runId: string, round: number, recalled: readonly RecalledLesson[]): void {
    const insert = this.db.prepare("INSERT INTO memory_uses VALUES (?, ?, ?, ?, ?, ?, ?)");
    const places = new Map<string, number>();
    for (const { taskId, lessonId, version, shown } of recalled) {
      const position = places.get(taskId) ?? 0;
      places.set(taskId, position + 1);
      insert.run(runId, round, taskId, position, lessonId, version, Number(shown));
    }
  }

  /** In the order of tasks and of rank. */
  of(runId: string, round: number): RecalledLesson[] {
    return this.db
      .prepare<unknown[], Omit<RecalledLesson, "shown"> & { shown: 0 | 1 }>(
        `SELECT task_id AS taskId, u.lesson_id AS lessonId, u.version, text, shown
           FROM memory_uses u JOIN memory_versions v ON v.lesson_id = u.lesson_id AND v.version = u.version
          WHERE run_id = ? AND round = ? ORDER BY u.rowid`,
      )
      .all(runId, round)
      .map((row) => ({ ...row, shown: row.shown === 1 }));
  }
}
