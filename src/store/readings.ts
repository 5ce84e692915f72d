import { monitorNames, type Reading } from "../core/health.js";
import type { Connection } from "./database.js";

/** What the monitors of the health of learning saw, by round. */
export class ReadingTable {
  constructor(private readonly db: Connection) {}

  /** Call in the transaction that writes the round's decision. */
  insertAll(runId: string, readings: readonly Reading[]): void {
    const insert = this.db.prepare(
      `INSERT INTO readings VALUES (@runId, @round, @monitor, @value, @baseline, @threshold,
         @fired, @action, @text)`,
    );
    for (const reading of readings) {
      insert.run({ runId, ...reading, fired: reading.fired ? 1 : 0 });
    }
  }

  /** All of a run, oldest first, in the monitors' order. */
  of(runId: string): Reading[] {
    return this.select("run_id = ? ORDER BY round, rowid", runId);
  }

  ofRound(runId: string, round: number): Reading[] {
    return this.select("run_id = ? AND round = ? ORDER BY rowid", runId, round);
  }

  /** The oldest of each monitor that has any. */
  first(runId: string): Reading[] {
    return monitorNames.flatMap((monitor) =>
      this.select("run_id = ? AND monitor = ? ORDER BY round LIMIT 1", runId, monitor),
    );
  }

  /** Rounds whose promotion was taken back. */
  rolledBack(runId: string): number[] {
    return this.db
      .prepare<[string], number>(
        `SELECT DISTINCT round FROM readings JOIN decisions USING (run_id, round)
          WHERE run_id = ? AND fired = 1 AND action = 'roll-back' AND outcome = 'promoted'
          ORDER BY round`,
      )
      .pluck()
      .all(runId);
  }

  private select(where: string, ...parameters: (string | number)[]): Reading[] {
    return this.db
      .prepare<unknown[], Omit<Reading, "fired"> & { fired: 0 | 1 }>(
        `SELECT round, monitor, value, baseline, threshold, fired, action, text
           FROM readings WHERE ${where}`,
      )
      .all(...parameters)
      .map((row) => ({ ...row, fired: row.fired === 1 }));
  }
}
