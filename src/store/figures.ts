import type { Outcome, OutcomeCounts } from "../core/entities.js";
import type { Connection } from "./database.js";

/** What a round's items come to. */
export interface RoundFigures {
  readonly elicited: number;
  readonly attempts: OutcomeCounts;
  /** Tasks with a right attempt. */
  readonly solved: number;
  readonly critiques: number;
  readonly revisions: OutcomeCounts;
  /** Tasks with a right revision. */
  readonly fixed: number;
  readonly examples: {
    readonly attempt: number;
    readonly revision: number;
    readonly replay: number;
  };
  /** Examples, rehearsal left out, that an earlier round wrote. */
  readonly carriedOver: number;
  readonly refused: readonly { readonly reason: string; readonly count: number }[];
}

/** Revisions of a run by the verdict of their draft and their own. */
export interface Reworking {
  readonly draft: Outcome;
  readonly revision: Outcome;
  readonly count: number;
}

/** Counted by SQLite: a report of a million attempts need not hold one of them. */
export class FigureTables {
  constructor(private readonly db: Connection) {}

  of(runId: string, round: number): RoundFigures {
    const all = <T>(sql: string) => this.db.prepare<unknown[], T>(sql).all(runId, round);
    const count = (table: string) =>
      all<{ count: number }>(
        `SELECT count(*) AS count FROM ${table} WHERE run_id = ? AND round = ?`,
      )[0]!.count;
    const items = (table: string) => {
      const rows = all<{ outcome: keyof OutcomeCounts; count: number; tasks: number }>(
        `SELECT outcome, count(*) AS count, count(DISTINCT task_id) AS tasks
           FROM ${table} t JOIN verdicts v ON v.run_id = t.run_id AND subject_id = id
          WHERE t.run_id = ? AND round = ? GROUP BY outcome`,
      );
      const of = (outcome: string) => rows.find((row) => row.outcome === outcome);
      const counts = {
        ok: of("ok")?.count ?? 0,
        wrong: of("wrong")?.count ?? 0,
        ungradable: of("ungradable")?.count ?? 0,
      };
      return { counts, right: of("ok")?.tasks ?? 0 };
    };
    const examples = all<{ source: string; count: number; earlier: number }>(
      `SELECT source, count(*) AS count, sum(origin_round < round) AS earlier
         FROM examples WHERE run_id = ? AND round = ? GROUP BY source`,
    );
    const from = (source: string) => examples.find((row) => row.source === source);
    const [attempts, revisions] = [items("attempts"), items("revisions")];
    return {
      elicited: count("elicited"),
      attempts: attempts.counts,
      solved: attempts.right,
      critiques: count("critiques"),
      revisions: revisions.counts,
      fixed: revisions.right,
      examples: {
        attempt: from("attempt")?.count ?? 0,
        revision: from("revision")?.count ?? 0,
        replay: from("replay")?.count ?? 0,
      },
      carriedOver: (from("attempt")?.earlier ?? 0) + (from("revision")?.earlier ?? 0),
      refused: all(
        `SELECT reason, count(*) AS count FROM refusals
          WHERE run_id = ? AND round = ? GROUP BY reason`,
      ),
    };
  }
  /** What became of the drafts that were reworked, over all rounds of a run. */
  reworkings(runId: string): Reworking[] {
    return this.db
      .prepare<[string], Reworking>(
        `SELECT before.outcome AS draft, after.outcome AS revision, count(*) AS count
           FROM revisions r
           JOIN verdicts before ON before.run_id = r.run_id AND before.subject_id = r.attempt_id
           JOIN verdicts after ON after.run_id = r.run_id AND after.subject_id = r.id
          WHERE r.run_id = ? GROUP BY 1, 2 ORDER BY 1, 2`,
      )
      .all(runId);
  }
}
