import type { Example } from "../core/entities.js";
import { canonicalJson } from "../core/hash.js";
import type { Connection } from "./database.js";

type RawExample = Omit<Example, "messages" | "lesson"> & {
  messages: string;
  lesson: string | null;
};

/** The training set of each round, each row with its lineage. */
export class ExampleTable {
  constructor(private readonly db: Connection) {}

  insertAll(runId: string, round: number, examples: readonly Example[]): void {
    const insert = this.db.prepare(
      `INSERT INTO examples VALUES (@runId, @round, @position, @id, @taskId, @source, @sourceId,
         @originRound, @messages, @completion)`,
    );
    const insertLesson = this.db.prepare("INSERT INTO lessons VALUES (?, ?, ?, ?)");
    for (const [position, { lesson, ...example }] of examples.entries()) {
      insert.run({
        runId,
        round,
        position,
        ...example,
        messages: canonicalJson(example.messages),
      });
      if (lesson) insertLesson.run(runId, round, example.id, canonicalJson(lesson));
    }
  }

  of(runId: string, round: number): Example[] {
    return this.db
      .prepare<unknown[], RawExample>(
        `SELECT id, task_id AS taskId, source, source_id AS sourceId, origin_round AS originRound,
                messages, completion, lesson
           FROM examples e LEFT JOIN lessons l
             ON l.run_id = e.run_id AND l.round = e.round AND example_id = id
          WHERE e.run_id = ? AND e.round = ? ORDER BY position`,
      )
      .all(runId, round)
      .map(({ lesson, ...row }) => ({
        ...row,
        messages: JSON.parse(row.messages),
        ...(lesson === null ? {} : { lesson: JSON.parse(lesson) }),
      }));
  }
}
