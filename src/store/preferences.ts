import type { JudgedOutcome, Preference } from "../core/judge.js";
import type { Connection } from "./database.js";

interface PreferenceRow {
  id: string;
  taskId: string;
  purpose: Preference["purpose"];
  promptHash: string;
  firstSource: "attempt" | "revision";
  firstId: string;
  secondSource: "attempt" | "revision";
  secondId: string;
  forwardKey: string;
  forwardRepaired: 0 | 1;
  forward: JudgedOutcome;
  backwardKey: string;
  backwardRepaired: 0 | 1;
  backward: JudgedOutcome;
  outcome: JudgedOutcome;
}

/** A pair without its texts. */
export interface JudgedRow {
  readonly forward: JudgedOutcome;
  readonly backward: JudgedOutcome;
  readonly outcome: JudgedOutcome;
  readonly purpose: Preference["purpose"];
  readonly firstLength: number;
  readonly secondLength: number;
  readonly firstRight: 0 | 1;
  /** Digests of the models that wrote the answers, and of the one that judged. */
  readonly firstModel: string;
  readonly secondModel: string;
  readonly judge: string;
}

/** What judges said of pairs of answers. */
export class PreferenceTable {
  constructor(private readonly db: Connection) {}

  insertAll(runId: string, round: number, preferences: readonly Preference[]): void {
    const insert = this.db.prepare(
      `INSERT INTO preferences VALUES (@runId, @round, @id, @taskId, @purpose, @firstSource, @firstId,
         @secondSource, @secondId, @forwardKey, @forwardRepaired, @forward, @backwardKey,
         @backwardRepaired, @backward, @outcome, @promptHash)`,
    );
    for (const { first, second, forward, backward, ...own } of preferences) {
      insert.run({
        runId,
        round,
        ...own,
        firstSource: first.source,
        firstId: first.sourceId,
        secondSource: second.source,
        secondId: second.sourceId,
        forwardKey: forward.callKey,
        forwardRepaired: Number(forward.repaired),
        forward: forward.outcome,
        backwardKey: backward.callKey,
        backwardRepaired: Number(backward.repaired),
        backward: backward.outcome,
      });
    }
  }

  /** Of one round, in the order in which they were asked. */
  of(runId: string, round: number): Preference[] {
    return this.db
      .prepare<unknown[], PreferenceRow>(
        `SELECT id, task_id AS taskId, purpose, prompt_hash AS promptHash, outcome,
                first_source AS firstSource, first_id AS firstId,
                second_source AS secondSource, second_id AS secondId,
                forward_key AS forwardKey, forward_repaired AS forwardRepaired, forward,
                backward_key AS backwardKey, backward_repaired AS backwardRepaired, backward
           FROM preferences WHERE run_id = ? AND round = ? ORDER BY rowid`,
      )
      .all(runId, round)
      .map((row) => ({
        id: row.id,
        taskId: row.taskId,
        purpose: row.purpose,
        first: { source: row.firstSource, sourceId: row.firstId },
        second: { source: row.secondSource, sourceId: row.secondId },
        forward: call(row.forwardKey, row.forwardRepaired, row.forward),
        backward: call(row.backwardKey, row.backwardRepaired, row.backward),
        outcome: row.outcome,
        promptHash: row.promptHash,
      }));
  }

  /** The pairs of a round without their texts, with who wrote them: another model than the judge's? */
  judged(runId: string, round: number): JudgedRow[] {
    const answers = (table: "attempts" | "revisions") =>
      `SELECT id, length(answer) AS length, model_digest AS model
         FROM ${table} JOIN calls ON key = call_key WHERE run_id = @runId AND round = @round`;
    return this.db
      .prepare<{ runId: string; round: number }, JudgedRow>(
        `WITH answers AS (${answers("attempts")} UNION ALL ${answers("revisions")})
         SELECT forward, backward, p.outcome, purpose, a.length AS firstLength,
                b.length AS secondLength, v.outcome = 'ok' AS firstRight, a.model AS firstModel,
                b.model AS secondModel, calls.model_digest AS judge
           FROM preferences p
           JOIN answers a ON a.id = first_id JOIN answers b ON b.id = second_id
           JOIN calls ON key = forward_key
           JOIN verdicts v ON v.run_id = p.run_id AND subject_id = first_id
          WHERE p.run_id = @runId AND round = @round ORDER BY p.rowid`,
      )
      .all({ runId, round });
  }
}

function call(callKey: string, repaired: 0 | 1, outcome: JudgedOutcome) {
  return { callKey, repaired: repaired === 1, outcome };
}
