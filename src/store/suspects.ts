import { redact } from "../core/secrets.js";
import type { Payer } from "./calls.js";
import type { Connection } from "./database.js";

/** A request that has no answer: it ended the engine each time, or a server gave none (0 crashes). */
export interface Quarantined {
  readonly callKey: string;
  readonly round: number;
  readonly stage: string;
  readonly crashes: number;
  readonly reason: string;
}

/** Requests that were under way when an engine, or our own process, died. */
export class SuspectTables {
  constructor(private readonly db: Connection) {}

  /**
   * Marks that this process asks the model from now on.
   *
   * @returns how many processes in a row died while they asked at this very place
   */
  beginAsking(runId: string, place: string): number {
    const left = this.db
      .prepare<[string, string], { deaths: number }>(
        "SELECT deaths FROM asking WHERE run_id = ? AND place = ?",
      )
      .get(runId, place);
    const deaths = left === undefined ? 0 : left.deaths + 1;
    this.db
      .prepare("INSERT OR REPLACE INTO asking (run_id, place, deaths) VALUES (?, ?, ?)")
      .run(runId, place, deaths);
    return deaths;
  }

  /** The engine died and this process did not: what crashes the engine does not take us along. */
  survive(runId: string): void {
    this.db.prepare("UPDATE asking SET deaths = 0 WHERE run_id = ?").run(runId);
  }

  /** The model was asked and nobody died. */
  endAsking(runId: string): void {
    this.db.prepare("DELETE FROM asking WHERE run_id = ?").run(runId);
  }

  /** Crashes of each request that is not quarantined, by its key. */
  crashes(): Map<string, number> {
    const rows = this.db
      .prepare<[], { key: string; crashes: number }>(
        "SELECT call_key AS key, crashes FROM suspects WHERE quarantined_at IS NULL",
      )
      .all();
    return new Map(rows.map(({ key, crashes }) => [key, crashes]));
  }

  /** Counts one more crash with this request under way. */
  blame(key: string, { runId, round, stage }: Payer, reason: string): void {
    this.db
      .prepare(
        `INSERT INTO suspects (call_key, crashes, run_id, round, stage, reason)
           VALUES (?, 1, ?, ?, ?, ?)
           ON CONFLICT (call_key) DO UPDATE SET crashes = crashes + 1, reason = excluded.reason`,
      )
      .run(key, runId, round, stage, reason);
  }

  /** The request was answered, or was not to blame. */
  forgive(key: string): void {
    this.db.prepare("DELETE FROM suspects WHERE call_key = ? AND quarantined_at IS NULL").run(key);
  }

  quarantine(key: string): void {
    this.db
      .prepare("UPDATE suspects SET quarantined_at = ? WHERE call_key = ?")
      .run(new Date().toISOString(), key);
  }

  /** A server refuses the request, or breaks at it each time: no crash of ours, and no answer. */
  giveUp(key: string, { runId, round, stage }: Payer, reason: string): void {
    this.db
      .prepare(
        `INSERT INTO suspects (call_key, crashes, run_id, round, stage, reason, quarantined_at)
           VALUES (?, 0, ?, ?, ?, ?, ?)
           ON CONFLICT (call_key) DO UPDATE SET reason = excluded.reason,
             quarantined_at = excluded.quarantined_at`,
      )
      .run(key, runId, round, stage, redact(reason), new Date().toISOString());
  }

  /** The quarantined requests of a run: those that it found, and those that it met. */
  quarantined(runId: string): Quarantined[] {
    return this.db
      .prepare<{ run: string }, Quarantined>(
        `SELECT call_key AS callKey, round, stage, crashes, reason FROM suspects
          WHERE quarantined_at IS NOT NULL AND (run_id = $run OR call_key IN (
            SELECT call_key FROM attempts WHERE run_id = $run UNION ALL
            SELECT call_key FROM revisions WHERE run_id = $run UNION ALL
            SELECT call_key FROM examined WHERE run_id = $run UNION ALL
            SELECT call_key FROM mended WHERE run_id = $run UNION ALL
            SELECT named_by FROM clusters WHERE run_id = $run UNION ALL
            SELECT forward_key FROM preferences WHERE run_id = $run UNION ALL
            SELECT backward_key FROM preferences WHERE run_id = $run UNION ALL
            SELECT call_key FROM evaluations WHERE run_id = $run UNION ALL
            SELECT call_key FROM sampled_evaluations WHERE run_id = $run UNION ALL
            SELECT call_key FROM validations WHERE run_id = $run))
          ORDER BY rowid`,
      )
      .all({ run: runId });
  }
}
