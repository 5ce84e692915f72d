import type { Examined, Mended } from "../core/examination.js";
import type { Connection } from "./database.js";

/** How critics do on answers of which the verifier knows what they are. */
export class ExaminationTables {
  constructor(private readonly db: Connection) {}

  insertExamined(runId: string, round: number, examined: readonly Examined[]): void {
    const insert = this.db.prepare(
      `INSERT INTO examined VALUES (@runId, @round, @id, @taskId, @kind, @answer, @callKey, @text,
         @says, @confidence)`,
    );
    for (const each of examined) insert.run({ runId, round, ...each });
  }

  insertMended(runId: string, round: number, mended: readonly Mended[]): void {
    const insert = this.db.prepare(
      `INSERT INTO mended VALUES (@runId, @round, @examinedId, @callKey, @answer, @outcome, @score,
         @verifier, @finding)`,
    );
    for (const { verdict, ...each } of mended) insert.run({ runId, round, ...each, ...verdict });
  }

  examined(runId: string, round: number): Examined[] {
    return this.db
      .prepare<unknown[], Examined>(
        `SELECT id, task_id AS taskId, kind, answer, call_key AS callKey, text, says, confidence
           FROM examined WHERE run_id = ? AND round = ? ORDER BY rowid`,
      )
      .all(runId, round);
  }

  mended(runId: string, round: number): Mended[] {
    return this.db
      .prepare<unknown[], Omit<Mended, "verdict"> & Mended["verdict"]>(
        `SELECT examined_id AS examinedId, call_key AS callKey, answer, outcome, score, verifier,
                finding
           FROM mended WHERE run_id = ? AND round = ? ORDER BY rowid`,
      )
      .all(runId, round)
      .map(({ outcome, score, verifier, finding, ...rest }) => ({
        ...rest,
        verdict: { outcome, score, verifier, finding },
      }));
  }
}
