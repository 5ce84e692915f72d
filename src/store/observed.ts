import type { RoundSeen } from "../core/policy.js";
import type { Connection } from "./database.js";

/** How the attempts of a round at one training task went. */
export interface TriesOfTask {
  readonly taskId: string;
  readonly round: number;
  readonly right: number;
  readonly attempts: number;
}

const tokensOf = "sum(prompt_tokens + completion_tokens)";

/**
 * What a policy is told of the rounds before, as sums over rows. Tokens are those of the calls that a round's rows stand
 * on, whoever paid for them: what is seen does not depend on a cache, nor on interruptions. No suite is read here.
 */
export class ObservedTables {
  constructor(private readonly db: Connection) {}

  /** Of each task taken up since a round, oldest round first. */
  tries(runId: string, from: number): TriesOfTask[] {
    return this.db
      .prepare<unknown[], TriesOfTask>(
        `SELECT task_id AS taskId, round, sum(outcome = 'ok') AS right, count(*) AS attempts
           FROM attempts a JOIN verdicts v ON v.run_id = a.run_id AND subject_id = a.id
          WHERE a.run_id = ? AND round >= ? GROUP BY task_id, round ORDER BY round`,
      )
      .all(runId, from);
  }

  /** Share of a task's attempts that differ: (different answers - 1) / (attempts - 1), mean over tasks; null with one each. */
  diversity(runId: string, round: number): number | null {
    return this.one<number | null>(
      `SELECT avg((kinds - 1.0) / (tries - 1)) FROM (
         SELECT count(DISTINCT answer) AS kinds, count(*) AS tries FROM attempts
          WHERE run_id = ? AND round = ? GROUP BY task_id HAVING tries > 1)`,
      runId,
      round,
    );
  }

  /** Prompt and answer tokens of a round's attempts, critiques and revisions: what yields are counted by, and not all that it cost. */
  tokens(runId: string, round: number): number {
    return ["attempts", "critiques", "revisions"].reduce(
      (sum, table) => sum + this.tokensIn(table, runId, round),
      0,
    );
  }

  /** Tasks that were revised, and those with a right revision that was not cut off; critiques cost, too. */
  revisions(runId: string, round: number): RoundSeen["revisions"] {
    const { asked, fixed } = this.db
      .prepare<unknown[], { asked: number; fixed: number }>(
        `SELECT count(DISTINCT task_id) AS asked,
                count(DISTINCT iif(outcome = 'ok' AND stop_reason = 'end', task_id, NULL)) AS fixed
           FROM revisions r JOIN calls ON key = call_key
           JOIN verdicts v ON v.run_id = r.run_id AND subject_id = r.id
          WHERE r.run_id = ? AND round = ?`,
      )
      .get(runId, round)!;
    if (asked === 0) return null;
    const tokens =
      this.tokensIn("critiques", runId, round) + this.tokensIn("revisions", runId, round);
    return { asked, fixed, tokens };
  }

  /** What revisions made of examined attempts, planted mistakes left out; null where the round examined none. */
  examined(runId: string, round: number): RoundSeen["examined"] {
    const { count, ...found } = this.db
      .prepare<unknown[], NonNullable<RoundSeen["examined"]> & { count: number }>(
        `SELECT count(*) AS count,
                ifnull(sum(kind = 'wrong'), 0) AS wrong,
                ifnull(sum(kind = 'wrong' AND outcome = 'ok'), 0) AS fixed,
                ifnull(sum(kind = 'right'), 0) AS right,
                ifnull(sum(kind = 'right' AND outcome <> 'ok'), 0) AS broken
           FROM mended m JOIN examined e ON e.run_id = m.run_id AND e.id = examined_id
          WHERE m.run_id = ? AND m.round = ? AND kind <> 'planted'`,
      )
      .get(runId, round)!;
    return count === 0 ? null : found;
  }

  private tokensIn(table: string, runId: string, round: number): number {
    return (
      this.one<number | null>(
        `SELECT ${tokensOf} FROM ${table} JOIN calls ON key = call_key WHERE run_id = ? AND round = ?`,
        runId,
        round,
      ) ?? 0
    );
  }

  private one<T>(sql: string, runId: string, round: number): T {
    return this.db.prepare<unknown[], T>(sql).pluck().get(runId, round) as T;
  }
}
