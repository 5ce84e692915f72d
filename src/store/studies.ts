import { canonicalJson } from "../core/hash.js";
import { type Recipe, recipeSchema } from "../core/recipe.js";
import { type Arm, type StudySpec, studySchema } from "../core/study.js";
import type { Connection } from "./database.js";
import type { PromptSnapshot } from "./runs.js";

export interface StudyRow {
  readonly id: string;
  readonly spec: StudySpec;
  readonly specHash: string;
  /** That its arms are made from, with the study's own settings. */
  readonly recipe: Recipe;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

/** An arm with a seed. */
export interface StudyRun {
  readonly arm: string;
  readonly seed: number;
  readonly position: number;
  /** null: not begun. */
  readonly runId: string | null;
  /** Why it is not run; null where it is. */
  readonly stopped: string | null;
  readonly note: string | null;
}

/** Calls of a study's runs: what each would have paid for alone, and what all of them did. */
export interface StudyCalls {
  readonly alone: number;
  readonly paid: number;
}

const columns = `id, spec, spec_hash AS specHash, recipe, created_at AS createdAt,
  finished_at AS finishedAt`;

/** Every call that a run of the study stands on, whoever paid for it: what its rows name, then what none of them does. */
const used = `WITH
  study AS (SELECT run_id FROM study_runs WHERE study_id = ?),
  named AS (SELECT run_id, stage, call_key FROM (
    SELECT run_id, 'generate' AS stage, call_key FROM attempts
    UNION SELECT run_id, 'critique', call_key FROM critiques
    UNION SELECT run_id, 'refine', call_key FROM revisions
    UNION SELECT run_id, 'examine', call_key FROM examined WHERE call_key IS NOT NULL
    UNION SELECT run_id, 'mend', call_key FROM mended
    UNION SELECT run_id, iif(suite = 'sealed', 'final', 'evaluate'), call_key FROM evaluations
    UNION SELECT run_id, 'cluster', named_by FROM clusters WHERE named_by IS NOT NULL
    UNION SELECT run_id, 'evaluate', call_key FROM sampled_evaluations
    UNION SELECT run_id, 'validate', call_key FROM validations
    UNION SELECT run_id, 'distil', call_key FROM distilled
    UNION SELECT run_id, 'judge', forward_key FROM preferences
    UNION SELECT run_id, 'judge', backward_key FROM preferences)
    WHERE run_id IN study),
  asked AS (
    SELECT paid_by_run AS run_id, paid_in_stage AS stage, key AS call_key FROM calls
     WHERE paid_by_run IN study
    UNION ALL SELECT run_id, stage, call_key FROM call_uses WHERE run_id IN study)
  SELECT run_id, stage, call_key FROM named
  UNION ALL SELECT run_id, stage, call_key FROM asked
   WHERE (run_id, call_key) NOT IN (SELECT run_id, call_key FROM named)`;

/** Studies, their arms and what has become of them. */
export class StudyTables {
  constructor(private readonly db: Connection) {}

  create(
    study: Omit<StudyRow, "createdAt" | "finishedAt">,
    prompts: readonly PromptSnapshot[],
    arms: readonly Arm[],
    runs: readonly Pick<StudyRun, "arm" | "seed">[],
  ): void {
    const { id, spec, specHash, recipe } = study;
    const insert = (table: string, ...values: unknown[]) =>
      this.db
        .prepare(`INSERT INTO ${table} VALUES (${values.map(() => "?").join(", ")})`)
        .run(...values);
    const now = new Date().toISOString();
    insert("studies", id, canonicalJson(spec), specHash, canonicalJson(recipe), now, null);
    for (const { stage, name, version, hash, body } of prompts) {
      insert("study_prompts", id, stage, name, version, hash, body);
    }
    for (const [position, arm] of arms.entries()) {
      const { id: armId, role, levels, settings } = arm;
      // Not canonical: the order of the factors is that of the spec.
      insert(
        "study_arms",
        id,
        armId,
        position,
        role,
        JSON.stringify(levels),
        JSON.stringify(settings),
      );
    }
    for (const [position, { arm, seed }] of runs.entries()) {
      insert("study_runs", id, arm, seed, position, null, null, null);
    }
  }

  find(id: string): StudyRow | null {
    return this.one(`SELECT ${columns} FROM studies WHERE id = ?`, id);
  }

  /** The newest study of exactly this spec that has not ended. */
  unfinished(specHash: string): StudyRow | null {
    return this.one(
      `SELECT ${columns} FROM studies WHERE spec_hash = ? AND finished_at IS NULL
        ORDER BY rowid DESC LIMIT 1`,
      specHash,
    );
  }

  latest(): StudyRow | null {
    return this.one(`SELECT ${columns} FROM studies ORDER BY rowid DESC LIMIT 1`);
  }

  ids(): string[] {
    return this.db.prepare<[], string>("SELECT id FROM studies ORDER BY rowid").pluck().all();
  }

  prompts(id: string): PromptSnapshot[] {
    return this.db
      .prepare<[string], PromptSnapshot>(
        "SELECT stage, name, version, hash, body FROM study_prompts WHERE study_id = ? ORDER BY stage, name",
      )
      .all(id);
  }

  arms(id: string): Arm[] {
    return this.db
      .prepare<[string], Omit<Arm, "levels" | "settings"> & { levels: string; settings: string }>(
        "SELECT id, role, levels, settings FROM study_arms WHERE study_id = ? ORDER BY position",
      )
      .all(id)
      .map((row) => ({
        ...row,
        levels: JSON.parse(row.levels),
        settings: JSON.parse(row.settings),
      }));
  }

  runs(id: string): StudyRun[] {
    return this.db
      .prepare<[string], StudyRun>(
        `SELECT arm, seed, position, run_id AS runId, stopped, note
           FROM study_runs WHERE study_id = ? ORDER BY position`,
      )
      .all(id);
  }

  begin(
    id: string,
    { arm, seed }: Pick<StudyRun, "arm" | "seed">,
    runId: string,
    note: string | null,
  ) {
    this.db
      .prepare(
        "UPDATE study_runs SET run_id = ?, note = ? WHERE study_id = ? AND arm = ? AND seed = ?",
      )
      .run(runId, note, id, arm, seed);
  }

  stop(id: string, { arm, seed }: Pick<StudyRun, "arm" | "seed">, why: string): void {
    this.db
      .prepare("UPDATE study_runs SET stopped = ? WHERE study_id = ? AND arm = ? AND seed = ?")
      .run(why, id, arm, seed);
  }

  finish(id: string): void {
    this.db
      .prepare("UPDATE studies SET finished_at = ? WHERE id = ? AND finished_at IS NULL")
      .run(new Date().toISOString(), id);
  }

  calls(id: string): StudyCalls {
    return this.db
      .prepare<[string], StudyCalls>(
        `SELECT count(DISTINCT run_id || call_key) AS alone, count(DISTINCT call_key) AS paid
           FROM (${used})`,
      )
      .get(id) as StudyCalls;
  }

  /** Tokens, prompts in full and answers, that each stage of each run stands on, whoever paid for them. */
  tokens(id: string): { runId: string; stage: string; calls: number; tokens: number }[] {
    return this.db
      .prepare<[string], { runId: string; stage: string; calls: number; tokens: number }>(
        `SELECT run_id AS runId, u.stage, count(*) AS calls,
                sum(prompt_tokens + completion_tokens) AS tokens
           FROM (${used}) u JOIN calls ON key = call_key GROUP BY 1, 2 ORDER BY 1, 2`,
      )
      .all(id);
  }

  private one(sql: string, ...values: string[]): StudyRow | null {
    const row = this.db
      .prepare<string[], Omit<StudyRow, "spec" | "recipe"> & { spec: string; recipe: string }>(sql)
      .get(...values);
    if (row === undefined) return null;
    return {
      ...row,
      spec: studySchema.parse(JSON.parse(row.spec)),
      recipe: recipeSchema.parse(JSON.parse(row.recipe)),
    };
  }
}
