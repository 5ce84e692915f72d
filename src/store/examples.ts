import type { Example } from "../core/entities.js";
import { canonicalJson } from "../core/hash.js";
import type { Connection } from "./database.js";

/** The training set of each round, each row with its lineage. */
export class ExampleTable {
  constructor(private readonly db: Connection) {}

  insertAll(runId: string, round: number, examples: readonly Example[]): void {
    const insert = this.db.prepare(
      `INSERT INTO examples VALUES (@runId, @round, @position, @id, @taskId, @source, @sourceId,
         @originRound, @messages, @completion)`,
    );
    for (const [position, example] of examples.entries()) {
      insert.run({
        runId,
        round,
        position,
        ...example,
        messages: canonicalJson(example.messages),
      });
    }
  }

  of(runId: string, round: number): Example[] {
    return this.db
      .prepare<unknown[], Omit<Example, "messages"> & { messages: string }>(
        `SELECT id, task_id AS taskId, source, source_id AS sourceId, origin_round AS originRound,
                messages, completion
           FROM examples WHERE run_id = ? AND round = ? ORDER BY position`,
      )
      .all(runId, round)
      .map((row) => ({ ...row, messages: JSON.parse(row.messages) }));
  }
}
