import Database from "better-sqlite3";
import { sha256 } from "../../src/core/hash.js";

/** Every table whose rows a disturbed and an undisturbed run must share, without times and costs. */
const queries = {
  tasks: "SELECT * FROM tasks ORDER BY run_id, id",
  calls:
    "SELECT key, text, stop_reason, completion_tokens, paid_in_round, paid_in_stage FROM calls ORDER BY key",
  rounds: "SELECT run_id, number, incumbent, candidate FROM rounds ORDER BY 1, 2",
  stages: "SELECT run_id, round, stage, summary -> '$.attempts' FROM stages ORDER BY 1, 2, 3",
  elicited: "SELECT * FROM elicited ORDER BY run_id, round, position",
  attempts: "SELECT * FROM attempts ORDER BY run_id, round, id",
  verdicts: "SELECT * FROM verdicts ORDER BY run_id, subject_id",
  critiques: "SELECT * FROM critiques ORDER BY run_id, id",
  revisions: "SELECT * FROM revisions ORDER BY run_id, id",
  examined: "SELECT * FROM examined ORDER BY run_id, id",
  mended: "SELECT * FROM mended ORDER BY run_id, examined_id",
  clusters: "SELECT * FROM clusters ORDER BY run_id, id",
  cluster_members: "SELECT * FROM cluster_members ORDER BY run_id, attempt_id",
  cluster_rounds: "SELECT * FROM cluster_rounds ORDER BY run_id, round, cluster_id",
  preferences: "SELECT * FROM preferences ORDER BY run_id, id",
  examples: "SELECT * FROM examples ORDER BY run_id, round, position",
  lessons: "SELECT * FROM lessons ORDER BY run_id, round, example_id",
  distilled: "SELECT * FROM distilled ORDER BY run_id, id",
  memory_families: "SELECT * FROM memory_families ORDER BY 1",
  memory_lessons:
    "SELECT l.id, family, cluster, l.version, text, state, retired_for, reason, source, learned_at, used_at, counted_at, shown_right, shown_tasks, withheld_right, withheld_tasks FROM memory_lessons l JOIN memory_versions v ON v.lesson_id = l.id ORDER BY l.id, v.version",
  memory_evidence: "SELECT * FROM memory_evidence ORDER BY lesson_id, run_id, round, task_id",
  memory_uses: "SELECT * FROM memory_uses ORDER BY run_id, round, task_id, position",
  memory_journal:
    "SELECT lesson_id, kind, run_id, round, version, reason FROM memory_journal ORDER BY sequence",
  vectors: "SELECT * FROM vectors ORDER BY model, text_sha256",
  refusals: "SELECT * FROM refusals ORDER BY run_id, round, source_id",
  adapters:
    "SELECT sha256, model_digest, parent, round, final_loss, tokens, weights, memory FROM adapters ORDER BY 1",
  evaluations: "SELECT * FROM evaluations ORDER BY run_id, suite, adapter, position",
  sampled_evaluations:
    "SELECT * FROM sampled_evaluations ORDER BY run_id, suite, adapter, task_id, attempt",
  decisions: "SELECT * FROM decisions ORDER BY run_id, round",
  readings: "SELECT * FROM readings ORDER BY run_id, round, monitor",
  plans:
    "SELECT run_id, round, author, settings, tasks, decisions, stop, fallback, json_remove(observation, '$.rounds', '$.budgetLeft'), (SELECT json_group_array(json_remove(value, '$.seconds')) FROM json_each(observation, '$.rounds')) FROM plans ORDER BY run_id, round",
  validations: "SELECT * FROM validations ORDER BY run_id, round, task_id",
  runs: "SELECT id, recipe_hash, state, incumbent FROM runs ORDER BY 1",
};

/** The hash of each table of a database: equal digests mean that the same work was done. */
export function digestOf(path: string): Record<string, string> {
  const db = new Database(path, { readonly: true });
  try {
    return Object.fromEntries(
      Object.entries(queries).map(([table, sql]) => {
        const rows = db.prepare(sql).all();
        return [table, `${rows.length} rows ${sha256(rows).slice(0, 16)}`];
      }),
    );
  } finally {
    db.close();
  }
}
