import type { Verdict } from "../core/entities.js";
import type { ValidationAnswer } from "../core/validation.js";
import type { Connection } from "./database.js";

/** Candidates' answers to training tasks that they learned from, and to such as nothing is learned from. */
export class ValidationTable {
  constructor(private readonly db: Connection) {}

  insertAll(runId: string, round: number, answers: readonly ValidationAnswer[]): void {
    const insert = this.db.prepare(
      `INSERT INTO validations VALUES (@runId, @round, @kind, @taskId, @callKey, @answer, @outcome,
         @score, @verifier, @finding)`,
    );
    for (const { verdict, ...answer } of answers) {
      insert.run({ runId, round, ...answer, ...verdict });
    }
  }

  of(runId: string, round: number): ValidationAnswer[] {
    return this.db
      .prepare<unknown[], Omit<ValidationAnswer, "verdict"> & Verdict>(
        `SELECT kind, task_id AS taskId, call_key AS callKey, answer, outcome, score, verifier, finding
           FROM validations WHERE run_id = ? AND round = ? ORDER BY rowid`,
      )
      .all(runId, round)
      .map(({ outcome, score, verifier, finding, ...rest }) => ({
        ...rest,
        verdict: { outcome, score, verifier, finding },
      }));
  }
}
