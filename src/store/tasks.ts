import type { Split, Task } from "../core/entities.js";
import { canonicalJson } from "../core/hash.js";
import type { Connection } from "./database.js";

interface TaskRow {
  id: string;
  split: Split;
  prompt: string;
  reference: string | null;
  verifier: string;
  tags: string;
  metadata: string | null;
  suite: string | null;
}

/** The frozen tasks of each run, in order. */
export class TaskTable {
  constructor(private readonly db: Connection) {}

  /** Writes all splits of a run; called once, inside the transaction that creates the run. */
  insertAll(runId: string, tasks: readonly Task[]): void {
    const insert = this.db.prepare(
      `INSERT INTO tasks VALUES (@runId, @id, @split, @position, @prompt, @reference, @verifier,
         @tags, @metadata, @suite)`,
    );
    for (const [position, task] of tasks.entries()) {
      insert.run({
        runId,
        position,
        id: task.id,
        split: task.split,
        prompt: task.prompt,
        reference: task.reference,
        verifier: canonicalJson(task.verifier),
        tags: canonicalJson(task.tags),
        metadata: task.metadata === null ? null : canonicalJson(task.metadata),
        suite: task.suite ?? null,
      });
    }
  }

  ofSplit(runId: string, split: Split): Task[] {
    return this.db
      .prepare<[string, string], TaskRow>(
        "SELECT * FROM tasks WHERE run_id = ? AND split = ? ORDER BY position",
      )
      .all(runId, split)
      .map((row) => ({
        id: row.id,
        split: row.split,
        prompt: row.prompt,
        reference: row.reference,
        verifier: JSON.parse(row.verifier),
        tags: JSON.parse(row.tags),
        metadata: row.metadata === null ? null : JSON.parse(row.metadata),
        ...(row.suite === null ? {} : { suite: row.suite }),
      }));
  }
}
