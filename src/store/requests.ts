import type { Connection } from "./database.js";

/** What somebody asked of a run that another process may be working on. */
export class RequestTable {
  constructor(private readonly db: Connection) {}

  /** Asks that the run be paused when its stage ends; asking twice is asking once. */
  pause(runId: string): void {
    this.db
      .prepare("INSERT INTO requests VALUES (?, 'pause', ?) ON CONFLICT DO NOTHING")
      .run(runId, new Date().toISOString());
  }

  pauseAsked(runId: string): boolean {
    return this.db.prepare("SELECT 1 FROM requests WHERE run_id = ?").get(runId) !== undefined;
  }

  /** @returns whether there was a request to take back. */
  takeBack(runId: string): boolean {
    return this.db.prepare("DELETE FROM requests WHERE run_id = ?").run(runId).changes > 0;
  }
}
