import type {
  Attempt,
  Critique,
  Decision,
  DecisionOutcome,
  Revision,
  Verdict,
} from "../core/entities.js";
import { canonicalJson } from "../core/hash.js";
import type { AdapterRow, Refusal, RoundRows, StageSummary } from "../core/round.js";
import type { AdapterTable } from "./adapters.js";
import type { ClusterTables } from "./clusters.js";
import type { Connection } from "./database.js";
import { DistilledTable } from "./distilled.js";
import { EvaluationTable } from "./evaluations.js";
import { ExaminationTables } from "./examinations.js";
import { ExampleTable } from "./examples.js";
import { lazily } from "./lazily.js";
import { PreferenceTable } from "./preferences.js";
import { RecalledTable } from "./recalled.js";
import { ValidationTable } from "./validations.js";

export interface RoundRow {
  readonly number: number;
  readonly incumbent: string | null;
  readonly candidate: string | null;
  readonly startedAt: string;
  readonly finishedAt: string | null;
}

export interface StageRow {
  readonly round: number;
  readonly stage: string;
  readonly summary: StageSummary;
  readonly seconds: number;
  readonly finishedAt: string;
}

/** SQLite has no booleans, and a verdict is a table of its own. */
type ItemRow<T> = Omit<T, "verdict" | "truncated"> & Verdict & { truncated: 0 | 1 };

/** Rounds, their stages, and the items that the stages wrote. */
export class RoundTables {
  readonly evaluations: EvaluationTable;
  readonly examples: ExampleTable;
  readonly distilled: DistilledTable;
  readonly examinations: ExaminationTables;
  readonly preferences: PreferenceTable;
  readonly recalled: RecalledTable;
  readonly validations: ValidationTable;

  constructor(
    private readonly db: Connection,
    private readonly adapters: AdapterTable,
    private readonly clusters: ClusterTables,
  ) {
    this.evaluations = new EvaluationTable(db);
    this.examples = new ExampleTable(db);
    this.distilled = new DistilledTable(db);
    this.examinations = new ExaminationTables(db);
    this.preferences = new PreferenceTable(db);
    this.recalled = new RecalledTable(db);
    this.validations = new ValidationTable(db);
  }

  begin(runId: string, number: number, incumbent: string | null, at = new Date()): void {
    this.db
      .prepare(
        `INSERT INTO rounds (run_id, number, incumbent, started_at) VALUES (?, ?, ?, ?)
           ON CONFLICT DO NOTHING`,
      )
      .run(runId, number, incumbent, at.toISOString());
  }

  finish(runId: string, number: number): void {
    this.db
      .prepare("UPDATE rounds SET finished_at = ? WHERE run_id = ? AND number = ?")
      .run(new Date().toISOString(), runId, number);
  }

  all(runId: string): RoundRow[] {
    return this.db
      .prepare<[string], RoundRow>(
        `SELECT number, incumbent, candidate, started_at AS startedAt, finished_at AS finishedAt
           FROM rounds WHERE run_id = ? ORDER BY number`,
      )
      .all(runId);
  }

  /** The newest round of a run; null before the first. */
  last(runId: string): RoundRow | null {
    return (
      this.db
        .prepare<[string], RoundRow>(
          `SELECT number, incumbent, candidate, started_at AS startedAt, finished_at AS finishedAt
             FROM rounds WHERE run_id = ? ORDER BY number DESC LIMIT 1`,
        )
        .get(runId) ?? null
    );
  }

  /** Names of the stages that a round has done. */
  done(runId: string, round: number): Set<string> {
    return new Set(
      this.db
        .prepare<unknown[], string>("SELECT stage FROM stages WHERE run_id = ? AND round = ?")
        .pluck()
        .all(runId, round) as string[],
    );
  }

  /** Seconds that the stages of each round from `from` on took, in order. */
  secondsFrom(runId: string, from: number): { round: number; seconds: number }[] {
    return this.db
      .prepare<unknown[], { round: number; seconds: number }>(
        `SELECT round, sum(seconds) AS seconds FROM stages
          WHERE run_id = ? AND round >= ? GROUP BY round ORDER BY round`,
      )
      .all(runId, from);
  }

  stages(runId: string): StageRow[] {
    return this.db
      .prepare<[string], Omit<StageRow, "summary"> & { summary: string }>(
        `SELECT round, stage, summary, seconds, finished_at AS finishedAt
           FROM stages WHERE run_id = ? ORDER BY round, rowid`,
      )
      .all(runId)
      .map((row) => ({ ...row, summary: JSON.parse(row.summary) }));
  }

  /** What one stage of a round said; null before it is done. */
  summary(runId: string, round: number, stage: string): StageSummary | null {
    const text = this.db
      .prepare<unknown[], string>(
        "SELECT summary FROM stages WHERE run_id = ? AND round = ? AND stage = ?",
      )
      .pluck()
      .get(runId, round, stage) as string | undefined;
    return text === undefined ? null : JSON.parse(text);
  }

  /** Writes what a stage produced and that it is done. Call inside a transaction. */
  commitStage(
    runId: string,
    round: number,
    stage: { name: string; rows: Partial<RoundRows>; summary: StageSummary; seconds: number },
  ): void {
    const { rows } = stage;
    this.insertElicited(runId, round, rows.elicited ?? []);
    this.recalled.insertAll(runId, round, rows.recalled ?? []);
    this.insertAttempts(runId, round, rows.attempts ?? []);
    this.insertCritiques(runId, round, rows.critiques ?? []);
    this.insertRevisions(runId, round, rows.revisions ?? []);
    this.examinations.insertExamined(runId, round, rows.examined ?? []);
    this.examinations.insertMended(runId, round, rows.mended ?? []);
    if (rows.clusters) this.clusters.insert(runId, round, rows.clusters);
    this.preferences.insertAll(runId, round, rows.preferences ?? []);
    this.examples.insertAll(runId, round, rows.examples ?? []);
    this.insertRefusals(runId, round, rows.refusals ?? []);
    this.distilled.insertAll(runId, rows.distilled ?? []);
    if (rows.candidate) this.setCandidate(runId, round, rows.candidate);
    this.validations.insertAll(runId, round, rows.validation ?? []);
    for (const answers of rows.evaluations ?? []) this.evaluations.insertAll(runId, answers);
    if (rows.decision) this.insertDecision(runId, round, rows.decision);
    this.db
      .prepare("INSERT INTO stages VALUES (?, ?, ?, ?, ?, ?)")
      .run(
        runId,
        round,
        stage.name,
        canonicalJson(stage.summary),
        stage.seconds,
        new Date().toISOString(),
      );
  }

  /**
   * Everything that a round has so far, each group of rows read when it is first asked for.
   * Evaluations are those of its two models, not all rounds'.
   */
  load(runId: string, round: number): RoundRows {
    const key = [runId, round] as const;
    const all = <T>(sql: string) => this.db.prepare<unknown[], T>(sql).all(...key);
    const [row] = all<Pick<RoundRow, "incumbent" | "candidate">>(
      "SELECT incumbent, candidate FROM rounds WHERE run_id = ? AND number = ?",
    );
    return lazily<RoundRows>({
      elicited: () =>
        all<{ id: string }>(
          "SELECT task_id AS id FROM elicited WHERE run_id = ? AND round = ? ORDER BY position",
        ).map(({ id }) => id),
      recalled: () => this.recalled.of(runId, round),
      attempts: () =>
        all<ItemRow<Attempt>>(
          `SELECT id, task_id AS taskId, position AS "index", call_key AS callKey, answer,
                  stop_reason = 'length' AS truncated, outcome, score, verifier, finding
             FROM attempts JOIN calls ON calls.key = call_key
             JOIN verdicts v ON v.run_id = attempts.run_id AND subject_id = id
            WHERE attempts.run_id = ? AND round = ? ORDER BY attempts.rowid`,
        ).map(asItem),
      critiques: () =>
        all<Critique>(
          `SELECT id, attempt_id AS attemptId, task_id AS taskId, call_key AS callKey,
                  prompt_hash AS promptHash, text, says, confidence
             FROM critiques WHERE run_id = ? AND round = ? ORDER BY rowid`,
        ),
      revisions: () =>
        all<ItemRow<Revision>>(
          `SELECT id, attempt_id AS attemptId, critique_id AS critiqueId, task_id AS taskId,
                  position AS "index", call_key AS callKey, answer,
                  stop_reason = 'length' AS truncated, outcome, score, verifier, finding
             FROM revisions JOIN calls ON calls.key = call_key
             JOIN verdicts v ON v.run_id = revisions.run_id AND subject_id = id
            WHERE revisions.run_id = ? AND round = ? ORDER BY revisions.rowid`,
        ).map(asItem),
      examined: () => this.examinations.examined(runId, round),
      mended: () => this.examinations.mended(runId, round),
      clusters: () => this.clusters.of(runId, round),
      preferences: () => this.preferences.of(runId, round),
      examples: () => this.examples.of(runId, round),
      refusals: () =>
        all<Refusal>(
          `SELECT source_id AS sourceId, task_id AS taskId, reason
             FROM refusals WHERE run_id = ? AND round = ? ORDER BY rowid`,
        ),
      distilled: () => this.distilled.of(runId, round),
      candidate: () => (row?.candidate ? this.adapters.find(row.candidate) : null),
      noCandidate: () =>
        all<{ reason: string | null }>(
          `SELECT summary ->> 'skipped' AS reason FROM stages
            WHERE run_id = ? AND round = ? AND stage = 'retrain'`,
        )[0]?.reason ?? null,
      validation: () => this.validations.of(runId, round),
      evaluations: () =>
        this.evaluations.ofRound(runId, row?.incumbent ?? null, row?.candidate ?? null),
      decision: () => this.decision(runId, round),
    });
  }

  decision(runId: string, round: number): Decision | null {
    const row = this.db
      .prepare<unknown[], { outcome: Decision["outcome"]; reason: string; evidence: string }>(
        "SELECT outcome, reason, evidence FROM decisions WHERE run_id = ? AND round = ?",
      )
      .get(runId, round);
    if (row === undefined) return null;
    return { outcome: row.outcome, reason: row.reason, ...JSON.parse(row.evidence) };
  }

  /**
   * What became of the gate's looks in the rounds before one, in their order. A round whose decision
   * compared nothing took no look, also where it was rejected.
   */
  looksBefore(runId: string, round: number): DecisionOutcome[] {
    return this.db
      .prepare<unknown[], DecisionOutcome>(
        `SELECT iif(evidence ->> '$.gate' IS NULL, 'skipped', outcome) FROM decisions
          WHERE run_id = ? AND round < ? ORDER BY round`,
      )
      .pluck()
      .all(runId, round) as DecisionOutcome[];
  }

  private insertElicited(runId: string, round: number, taskIds: readonly string[]): void {
    const insert = this.db.prepare("INSERT INTO elicited VALUES (?, ?, ?, ?)");
    for (const [position, taskId] of taskIds.entries()) insert.run(runId, round, taskId, position);
  }

  private insertAttempts(runId: string, round: number, attempts: readonly Attempt[]): void {
    const insert = this.db.prepare("INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const { id, taskId, index, callKey, answer } of attempts) {
      insert.run(runId, round, id, taskId, index, callKey, answer);
    }
    this.insertVerdicts(runId, attempts);
  }

  private insertVerdicts(
    runId: string,
    subjects: readonly { readonly id: string; readonly verdict: Verdict }[],
  ): void {
    const insert = this.db.prepare("INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?)");
    for (const { id, verdict } of subjects) {
      const { outcome, score, verifier, finding } = verdict;
      insert.run(runId, id, outcome, score, verifier, finding);
    }
  }

  private insertCritiques(runId: string, round: number, critiques: readonly Critique[]): void {
    const insert = this.db.prepare(
      `INSERT INTO critiques VALUES (@runId, @round, @id, @attemptId, @taskId, @callKey,
         @promptHash, @text, @says, @confidence)`,
    );
    for (const critique of critiques) insert.run({ runId, round, ...critique });
  }

  private insertRevisions(runId: string, round: number, revisions: readonly Revision[]): void {
    const insert = this.db.prepare(
      `INSERT INTO revisions VALUES (@runId, @round, @id, @attemptId, @critiqueId, @taskId,
         @index, @callKey, @answer)`,
    );
    for (const { verdict: _inItsOwnTable, truncated: _fromItsCall, ...columns } of revisions) {
      insert.run({ runId, round, ...columns });
    }
    this.insertVerdicts(runId, revisions);
  }

  private insertRefusals(runId: string, round: number, refusals: readonly Refusal[]): void {
    const insert = this.db.prepare("INSERT INTO refusals VALUES (?, ?, ?, ?, ?)");
    for (const r of refusals) insert.run(runId, round, r.sourceId, r.taskId, r.reason);
  }

  private setCandidate(runId: string, round: number, candidate: AdapterRow): void {
    this.adapters.insert(candidate);
    this.db
      .prepare("UPDATE rounds SET candidate = ? WHERE run_id = ? AND number = ?")
      .run(candidate.sha256, runId, round);
  }

  private insertDecision(runId: string, round: number, decision: Decision): void {
    const { outcome, reason, ...evidence } = decision;
    this.db
      .prepare("INSERT INTO decisions VALUES (?, ?, ?, ?, ?)")
      .run(runId, round, outcome, reason, canonicalJson(evidence));
  }
}

function asItem<T extends Verdict & { truncated: 0 | 1 }>(
  row: T,
): Omit<T, keyof Verdict | "truncated"> & { truncated: boolean; verdict: Verdict } {
  const { outcome, score, verifier, finding, truncated, ...rest } = row;
  return { ...rest, truncated: truncated === 1, verdict: { outcome, score, verifier, finding } };
}
