import type { DistilledLesson } from "../core/memory.js";
import type { Connection } from "./database.js";

const columns = `id, round, task_id AS taskId, attempt_id AS attemptId, critique_id AS critiqueId,
  revision_id AS revisionId, call_key AS callKey, text, refused`;

/** The lines that the model made of its critiques. */
export class DistilledTable {
  constructor(private readonly db: Connection) {}

  insertAll(runId: string, lessons: readonly DistilledLesson[]): void {
    const insert = this.db.prepare(
      `INSERT INTO distilled VALUES (@runId, @round, @id, @taskId, @attemptId, @critiqueId,
         @revisionId, @callKey, @text, @refused)`,
    );
    for (const lesson of lessons) insert.run({ runId, ...lesson });
  }

  of(runId: string, round: number): DistilledLesson[] {
    return this.db
      .prepare<unknown[], DistilledLesson>(
        `SELECT ${columns} FROM distilled WHERE run_id = ? AND round = ? ORDER BY rowid`,
      )
      .all(runId, round);
  }

  /** Those of all rounds before one, oldest first. */
  before(runId: string, round: number): DistilledLesson[] {
    return this.db
      .prepare<unknown[], DistilledLesson>(
        `SELECT ${columns} FROM distilled WHERE run_id = ? AND round < ? ORDER BY rowid`,
      )
      .all(runId, round);
  }
}
