import type { Evaluation, Verdict } from "../core/entities.js";
import type { Suite, SuiteAnswers } from "../core/round.js";
import type { Connection } from "./database.js";

type EvaluationRow = Omit<Evaluation, "verdict"> & Verdict;

// '' stands for the base weights, since a primary key cannot hold NULL.
const baseWeights = "";

/** How each model answered each task of each suite. */
export class EvaluationTable {
  constructor(private readonly db: Connection) {}

  /** A model's answers to a suite are written once in a run; later rounds find them. */
  insertAll(runId: string, answers: SuiteAnswers): void {
    const insert = this.db.prepare(
      `INSERT INTO evaluations VALUES (@runId, @suite, @adapter, @taskId, @position, @callKey,
         @answer, @outcome, @score, @verifier, @finding) ON CONFLICT DO NOTHING`,
    );
    for (const [position, item] of answers.items.entries()) {
      const { verdict, ...columns } = item;
      insert.run({
        runId,
        suite: answers.suite,
        adapter: answers.adapter ?? baseWeights,
        position,
        ...columns,
        ...verdict,
      });
    }
  }

  of(runId: string, suite: Suite, adapter: string | null): Evaluation[] {
    return this.db
      .prepare<unknown[], EvaluationRow>(
        `SELECT task_id AS taskId, call_key AS callKey, answer, outcome, score, verifier, finding
           FROM evaluations WHERE run_id = ? AND suite = ? AND adapter = ? ORDER BY position`,
      )
      .all(runId, suite, adapter ?? baseWeights)
      .map(({ outcome, score, verifier, finding, ...rest }) => ({
        ...rest,
        verdict: { outcome, score, verifier, finding },
      }));
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
}
