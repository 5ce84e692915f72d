import type { RecalledLesson } from "../core/lesson.js";
import type { LearnedFrom } from "../core/lesson-leaks.js";
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

  /**
   * The lessons of a run's rounds in the words of then, with the prompts that each was learned from when a round last took it
   * up: what spoke for it first after that says nothing of this run. When a task was written down is told by the journal, by
   * the first entry of its run and round or a later one, since a coach writes of rounds that are over.
   */
  learnedFrom(runId: string): (LearnedFrom & { version: number })[] {
    const prompts = this.db
      .prepare<unknown[], string>(
        `SELECT prompt FROM memory_evidence e
           JOIN tasks t ON t.run_id = e.run_id AND t.id = e.task_id
          WHERE lesson_id = @id
            AND (SELECT min(at) FROM memory_journal j
                  WHERE j.lesson_id = e.lesson_id AND j.run_id = e.run_id AND j.round >= e.round
                    AND kind IN ('learned', 'supported')) <= @takenUp
          UNION SELECT value FROM memory_lessons l, json_each(elsewhere) WHERE l.id = @id ORDER BY 1`,
      )
      .pluck();
    return this.db
      .prepare<[string], Omit<LearnedFrom, "prompts"> & { version: number; takenUp: string }>(
        `SELECT u.lesson_id AS id, u.version, text, max(finished_at) AS takenUp
           FROM memory_uses u
           JOIN memory_versions v ON v.lesson_id = u.lesson_id AND v.version = u.version
           JOIN stages s ON s.run_id = u.run_id AND s.round = u.round AND stage = 'elicit'
          WHERE u.run_id = ? GROUP BY u.lesson_id, u.version ORDER BY min(u.rowid)`,
      )
      .all(runId)
      .map(({ takenUp, ...lesson }) => ({
        ...lesson,
        prompts: prompts.all({ id: lesson.id, takenUp }) as string[],
      }));
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
