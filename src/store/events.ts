import { canonicalJson } from "../core/hash.js";
import { redact } from "../core/secrets.js";
import type { Connection } from "./database.js";

export interface RunEvent {
  readonly sequence: number;
  readonly round: number | null;
  readonly kind: string;
  readonly payload: Record<string, unknown>;
  readonly at: string;
}

/** What happened when, in the order in which it happened: started, resumed, interrupted, decided. */
export class EventTable {
  constructor(private readonly db: Connection) {}

  /** @returns its sequence. */
  append(
    runId: string,
    round: number | null,
    kind: string,
    payload: Record<string, unknown>,
  ): number {
    const { lastInsertRowid } = this.db
      .prepare("INSERT INTO events (run_id, round, kind, payload, at) VALUES (?, ?, ?, ?, ?)")
      .run(runId, round, kind, redact(canonicalJson(payload)), new Date().toISOString());
    return Number(lastInsertRowid);
  }

  of(runId: string): RunEvent[] {
    return this.db
      .prepare<[string], Omit<RunEvent, "payload"> & { payload: string }>(
        "SELECT sequence, round, kind, payload, at FROM events WHERE run_id = ? ORDER BY sequence",
      )
      .all(runId)
      .map((row) => ({ ...row, payload: JSON.parse(row.payload) }));
  }
}
