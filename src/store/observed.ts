import { silentCritique } from "../core/levers.js";
import type { RoundSeen, TrialArm } from "../core/policy.js";
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

  /** What came of the two prompts that a round's failures were divided between; null where one of them had none. */
  trial(
    runId: string,
    round: number,
    prompts: { readonly own: string; readonly tried: string },
  ): NonNullable<RoundSeen["trial"]> | null {
    const arms = new Map(this.arms(runId, round).map((arm) => [arm.prompt, arm]));
    // Whatever its name, a prompt that says nothing leaves no critique by which it is known.
    const silent = arms.get(silentCritique);
    const of = (prompt: string) => arms.get(prompt) ?? (silent && { ...silent, prompt });
    const [own, tried] = [of(prompts.own), of(prompts.tried)];
    return own && tried && arms.size === 2 ? { own, tried } : null;
  }

  /** Revised tasks by the critique prompt that they were criticised with; `none` for those that were not. */
  arms(runId: string, round: number): TrialArm[] {
    const of = "p.run_id = c.run_id AND p.stage = 'critique' AND p.hash = c.prompt_hash";
    const own = "run_id = @runId AND round = @round";
    return this.db
      .prepare<unknown[], TrialArm>(
        `WITH said AS (
           SELECT c.id, p.name, prompt_tokens + completion_tokens AS tokens
             FROM (SELECT * FROM critiques WHERE ${own}) c JOIN calls ON key = call_key JOIN prompts p ON ${of}),
         revised AS (
           SELECT task_id, critique_id, prompt_tokens + completion_tokens AS tokens,
                  outcome = 'ok' AND stop_reason = 'end' AS fixed
             FROM (SELECT * FROM revisions WHERE ${own}) r JOIN calls ON key = call_key
             JOIN verdicts v ON v.run_id = r.run_id AND subject_id = r.id)
         SELECT ifnull(name, '${silentCritique}') AS prompt, count(DISTINCT task_id) AS asked,
                count(DISTINCT iif(fixed, task_id, NULL)) AS fixed,
                sum(revised.tokens) + ifnull((SELECT sum(tokens) FROM said s WHERE s.name = said.name), 0) AS tokens
           FROM revised LEFT JOIN said ON said.id = critique_id GROUP BY 1 ORDER BY 1`,
      )
      .all({ runId, round });
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
