import type { EvaluatedAnswer, Evaluation, Verdict } from "../core/entities.js";
import type { Suite, SuiteAnswers } from "../core/round.js";
import type { Connection } from "./database.js";

type Row<T> = Omit<T, "verdict" | "sampled"> & Verdict;

// '' stands for the base weights, since a primary key cannot hold NULL.
const baseWeights = "";

/** How each model answered each task of each suite. */
export class EvaluationTable {
  constructor(private readonly db: Connection) {}

  /** A model's answers to a suite are written once in a run; later rounds find them, and may add to them. */
  insertAll(runId: string, answers: SuiteAnswers): void {
    const insert = this.db.prepare(
      `INSERT INTO evaluations VALUES (@runId, @suite, @adapter, @taskId, @position, @callKey,
         @answer, @outcome, @score, @verifier, @finding) ON CONFLICT DO NOTHING`,
    );
    const insertSampled = this.db.prepare(
      `INSERT INTO sampled_evaluations VALUES (@runId, @suite, @adapter, @taskId, @attempt, @callKey,
         @answer, @outcome, @score, @verifier, @finding) ON CONFLICT DO NOTHING`,
    );
    for (const [position, { taskId, sampled = [], ...first }] of answers.items.entries()) {
      const adapter = answers.adapter ?? baseWeights;
      const place = { runId, suite: answers.suite, adapter, taskId };
      insert.run({ ...place, position, ...columnsOf(first) });
      for (const [i, further] of sampled.entries()) {
        insertSampled.run({ ...place, attempt: i + 1, ...columnsOf(further) });
      }
    }
  }

  of(runId: string, suite: Suite, adapter: string | null): Evaluation[] {
    const key = [runId, suite, adapter ?? baseWeights] as const;
    const sampled = this.sampledOf(key);
    return this.db
      .prepare<unknown[], Row<Evaluation>>(
        `SELECT task_id AS taskId, call_key AS callKey, answer, outcome, score, verifier, finding
           FROM evaluations WHERE run_id = ? AND suite = ? AND adapter = ? ORDER BY position`,
      )
      .all(...key)
      .map(({ taskId, ...first }) => {
        const further = sampled.get(taskId);
        return { taskId, ...answerOf(first), ...(further ? { sampled: further } : {}) };
      });
  }

  /** What a round's gate compares: incumbent, candidate and base weights, where they have answers. */
  ofRound(runId: string, incumbent: string | null, candidate: string | null): SuiteAnswers[] {
    const adapters = [...new Set([null, incumbent, ...(candidate === null ? [] : [candidate])])];
    const suites = ["gate", "retention"] as const;
    return suites
      .flatMap((suite) =>
        adapters.map((adapter) => ({ suite, adapter, items: this.of(runId, suite, adapter) })),
      )
      .filter((answers) => answers.items.length > 0);
  }

  private sampledOf(key: readonly string[]): Map<string, EvaluatedAnswer[]> {
    const byTask = new Map<string, EvaluatedAnswer[]>();
    const rows = this.db
      .prepare<unknown[], Row<EvaluatedAnswer> & { taskId: string }>(
        `SELECT task_id AS taskId, call_key AS callKey, answer, outcome, score, verifier, finding
           FROM sampled_evaluations WHERE run_id = ? AND suite = ? AND adapter = ?
          ORDER BY task_id, attempt`,
      )
      .all(...key);
    for (const { taskId, ...row } of rows) {
      const known = byTask.get(taskId);
      if (known === undefined) byTask.set(taskId, [answerOf(row)]);
      else known.push(answerOf(row));
    }
    return byTask;
  }
}

function columnsOf({ verdict, callKey, answer }: EvaluatedAnswer): Row<EvaluatedAnswer> {
  return { callKey, answer, ...verdict };
}

function answerOf({ callKey, answer, ...verdict }: Row<EvaluatedAnswer>): EvaluatedAnswer {
  return { callKey, answer, verdict };
}
