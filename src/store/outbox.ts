import { stableId } from "../core/hash.js";
import type { Notice } from "../core/notify.js";
import { redact } from "../core/secrets.js";
import type { Connection } from "./database.js";

interface Waiting extends Notice {
  readonly channel: string;
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
}

/** How a run's notifications fared, for the report. */
export interface NotificationCounts {
  readonly sent: number;
  readonly waiting: number;
  readonly givenUp: number;
  /** Why the last one failed that was not sent; null if none failed. */
  readonly problem: string | null;
}

/** Notifications: written with the event that they tell of, sent beside the loop. */
export class OutboxTable {
  constructor(private readonly db: Connection) {}

  /** @param occasion What tells this notice from others of its run for good: its event's sequence. */
  add(notice: Omit<Notice, "id" | "event"> & { event: string }, channel: string, occasion: number) {
    const { run, round, event, title, text, at } = notice;
    // With the time: another database may have a run of the same name.
    const id = stableId("notice", run, occasion, at, channel);
    this.db
      .prepare(
        `INSERT INTO outbox (id, run_id, round, event, channel, title, text, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(id, run, round, event, channel, title, redact(text), at);
  }

  /** What has not been delivered, oldest first. */
  waiting(runId: string): Waiting[] {
    return this.db
      .prepare<[string], Waiting>(
        `SELECT id, run_id AS run, round, event, title, text, created_at AS at, channel, attempts,
                next_attempt_at AS nextAttemptAt
           FROM outbox WHERE run_id = ? AND state = 'waiting' ORDER BY sequence`,
      )
      .all(runId);
  }

  sent(id: string): void {
    this.settle(id, "sent", null);
  }

  giveUp(id: string, problem: string): void {
    this.settle(id, "given_up", redact(problem));
  }

  failed(id: string, problem: string, nextAttemptAt: Date): void {
    this.db
      .prepare(
        `UPDATE outbox SET attempts = attempts + 1, problem = ?, next_attempt_at = ?
          WHERE id = ? AND state = 'waiting'`,
      )
      .run(redact(problem), nextAttemptAt.toISOString(), id);
  }

  counts(runId: string): NotificationCounts {
    return this.db
      .prepare<[string, string], NotificationCounts>(
        `SELECT count(*) FILTER (WHERE state = 'sent') AS sent,
                count(*) FILTER (WHERE state = 'waiting') AS waiting,
                count(*) FILTER (WHERE state = 'given_up') AS givenUp,
                (SELECT problem FROM outbox WHERE run_id = ? AND state <> 'sent'
                    AND problem IS NOT NULL ORDER BY sequence DESC LIMIT 1) AS problem
           FROM outbox WHERE run_id = ?`,
      )
      .get(runId, runId) as NotificationCounts;
  }

  private settle(id: string, state: "sent" | "given_up", problem: string | null): void {
    this.db
      .prepare(
        `UPDATE outbox SET state = ?, attempts = attempts + 1, problem = ?, settled_at = ?
          WHERE id = ? AND state = 'waiting'`,
      )
      .run(state, problem, new Date().toISOString(), id);
  }
}
