import { RedistillError } from "../core/errors.js";
import type { Connection } from "./database.js";

/** A process, told apart from a later one with the same number by its start mark. */
export interface ProcessMark {
  readonly pid: number;
  /** Null where the system does not say when a process started. */
  readonly started: string | null;
}

export interface LeaseOwner extends ProcessMark {
  readonly host: string;
}

export interface Lease {
  /** Grows with every owner and never comes back. */
  readonly epoch: number;
  /** Grows with every sign of life. */
  readonly beat: number;
  /** When the last sign of life came, by the owner's wall clock, in milliseconds since 1970. */
  readonly beatAt: number;
  /** Silent for longer than this, in milliseconds, the lease may be taken over. */
  readonly durationMs: number;
  /** Null: nobody works on the run. */
  readonly owner: LeaseOwner | null;
  /** The owner's trainer process. */
  readonly worker: ProcessMark | null;
}

/** Another process took the run over: this one must write nothing more for it. */
export class LeaseLostError extends RedistillError {
  constructor(runId: string, by: LeaseOwner | null) {
    const whom = by === null ? "another process" : `process ${by.pid} on ${by.host}`;
    super(
      "state",
      `run ${runId} was taken over by ${whom} while this process stood still; it writes nothing more`,
      `Watch the run with \`redistill status ${runId}\`; nothing that was paid for is lost.`,
    );
  }
}

interface LeaseRow extends Pick<Lease, "epoch" | "beat" | "beatAt" | "durationMs"> {
  host: string | null;
  pid: number;
  started: string | null;
  workerPid: number | null;
  workerStarted: string | null;
}

/** Who works on which run. All but `find` belong into a transaction. */
export class LeaseTable {
  constructor(private readonly db: Connection) {}

  find(runId: string): Lease | null {
    const row = this.db
      .prepare<[string], LeaseRow>(
        `SELECT epoch, beat, beat_at AS beatAt, duration_ms AS durationMs, host, pid, started,
                worker_pid AS workerPid, worker_started AS workerStarted
           FROM leases WHERE run_id = ?`,
      )
      .get(runId);
    if (row === undefined) return null;
    const { host, pid, started, workerPid, workerStarted, ...rest } = row;
    return {
      ...rest,
      owner: host === null ? null : { host, pid, started },
      worker: workerPid === null ? null : { pid: workerPid, started: workerStarted },
    };
  }

  /**
   * Makes `owner` the holder, if the lease still is as it was `seen`.
   *
   * @returns the new epoch, or null if somebody else was quicker or the former owner gave a sign of life.
   */
  take(
    runId: string,
    seen: Lease | null,
    owner: LeaseOwner,
    times: { now: number; durationMs: number },
  ): number | null {
    const values = { runId, ...owner, ...times, epoch: seen?.epoch, beat: seen?.beat };
    const { changes } =
      seen === null
        ? this.db
            .prepare(
              `INSERT INTO leases (run_id, epoch, host, pid, started, beat, beat_at, duration_ms)
                 VALUES (@runId, 1, @host, @pid, @started, 1, @now, @durationMs) ON CONFLICT DO NOTHING`,
            )
            .run(values)
        : this.db
            .prepare(
              `UPDATE leases SET epoch = epoch + 1, host = @host, pid = @pid, started = @started,
                 worker_pid = NULL, worker_started = NULL, beat = beat + 1, beat_at = @now,
                 duration_ms = @durationMs
                WHERE run_id = @runId AND epoch = @epoch AND beat = @beat`,
            )
            .run(values);
    return changes === 0 ? null : (seen?.epoch ?? 0) + 1;
  }

  /** A sign of life of the holder; call it fenced. */
  beat(runId: string, now: number, worker: ProcessMark | null): void {
    this.db
      .prepare(
        `UPDATE leases SET beat = beat + 1, beat_at = ?, worker_pid = ?, worker_started = ?
          WHERE run_id = ?`,
      )
      .run(now, worker?.pid ?? null, worker?.started ?? null, runId);
  }

  /** Gives the run free; call it fenced. */
  release(runId: string): void {
    this.db
      .prepare(
        `UPDATE leases SET host = NULL, pid = NULL, started = NULL, worker_pid = NULL,
           worker_started = NULL WHERE run_id = ?`,
      )
      .run(runId);
  }

  /**
   * Asked at the beginning of every transaction of a run's controller.
   *
   * @throws LeaseLostError when the epoch is no longer the holder's.
   */
  require(runId: string, epoch: number): void {
    const lease = this.find(runId);
    if (lease?.epoch !== epoch || lease.owner === null) {
      throw new LeaseLostError(runId, lease?.owner ?? null);
    }
  }
}
