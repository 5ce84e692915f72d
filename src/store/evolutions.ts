import {
  type CandidatePrompt,
  type EvolutionDraft,
  type EvolutionSpec,
  evolutionSchema,
  type Match,
  type Proof,
  type Proposal,
  type TaskPurpose,
  type Trial,
} from "../core/evolution.js";
import { canonicalJson } from "../core/hash.js";
import type { StageSummary } from "../core/round.js";
import type { Connection } from "./database.js";

/** A finished unit of work. */
export interface EvolutionStep {
  readonly name: string;
  readonly seconds: number;
  readonly summary: StageSummary;
}

/** What a unit of work came to; written in one transaction. */
export interface EvolutionRows {
  readonly drafts?: readonly EvolutionDraft[];
  readonly candidates?: readonly CandidatePrompt[];
  readonly proposals?: readonly Proposal[];
  readonly trials?: readonly Trial[];
  readonly matches?: readonly Match[];
  readonly proofs?: readonly Proof[];
}

/** Searches for better prompts: what they were asked to do, what they tried and what they decided. */
export class EvolutionTables {
  constructor(private readonly db: Connection) {}

  create(
    runId: string,
    spec: EvolutionSpec,
    tasks: Readonly<Record<TaskPurpose, readonly string[]>>,
  ): void {
    this.insert("evolutions", [runId, canonicalJson(spec)]);
    for (const purpose of ["breed", "prove"] as const) {
      for (const [position, taskId] of tasks[purpose].entries()) {
        this.insert("evolution_tasks", [runId, taskId, purpose, position]);
      }
    }
  }

  /** What a run searches for; null for a run that learns. */
  spec(runId: string): EvolutionSpec | null {
    const text = this.db
      .prepare<[string], string>("SELECT spec FROM evolutions WHERE run_id = ?")
      .pluck()
      .get(runId);
    return text === undefined ? null : evolutionSchema.parse(JSON.parse(text));
  }

  taskIds(runId: string, purpose: TaskPurpose): string[] {
    return this.db
      .prepare<[string, string], string>(
        "SELECT task_id FROM evolution_tasks WHERE run_id = ? AND purpose = ? ORDER BY position",
      )
      .pluck()
      .all(runId, purpose);
  }

  /** All tasks that prompts of a search were tried on, for breeding or for proof. */
  taskTexts(runId: string): { id: string; text: string }[] {
    return this.db
      .prepare<[string], { id: string; text: string }>(
        `SELECT id, prompt AS text FROM evolution_tasks e
           JOIN tasks t ON t.run_id = e.run_id AND t.id = e.task_id
          WHERE e.run_id = ? ORDER BY e.purpose, e.position`,
      )
      .all(runId);
  }

  /** Searches that a prompt comes of: its text was a candidate, or a winner was written under one of these names. */
  ofPrompt(hash: string, names: readonly string[]): string[] {
    const files = names.map((name) => `prompts/critique/${name}.md`);
    return this.db
      .prepare<string[], string>(
        `SELECT run_id FROM evolution_candidates WHERE hash = ? AND parent IS NOT NULL
         UNION SELECT run_id FROM evolution_proofs WHERE path IN (${files.map(() => "?").join(", ")})`,
      )
      .pluck()
      .all(hash, ...files);
  }

  steps(runId: string): EvolutionStep[] {
    return this.db
      .prepare<[string], Omit<EvolutionStep, "summary"> & { summary: string }>(
        "SELECT name, seconds, summary FROM evolution_steps WHERE run_id = ? ORDER BY position",
      )
      .all(runId)
      .map((row) => ({ ...row, summary: JSON.parse(row.summary) }));
  }

  /** Writes down a finished unit of work. Call inside a transaction. */
  commit(runId: string, step: EvolutionStep, rows: EvolutionRows): void {
    const position = this.steps(runId).length;
    const { name, seconds, summary } = step;
    this.insert("evolution_steps", [runId, position, name, seconds, JSON.stringify(summary)]);
    for (const each of rows.drafts ?? []) {
      const { id, taskId, index, callKey, answer, truncated, verdict, tried } = each;
      const { outcome, score, verifier, finding } = verdict;
      const attempt = [runId, id, taskId, index, callKey, answer, Number(truncated)];
      this.insert("evolution_drafts", [...attempt, outcome, score, verifier, finding, tried]);
    }
    for (const { id, generation, position: at, parent, hash, body } of rows.candidates ?? []) {
      this.insert("evolution_candidates", [runId, id, generation, at, parent, hash, body]);
    }
    for (const each of rows.proposals ?? []) {
      const { id, generation, parent, minibatch, callKey, fault, reason } = each;
      const place = [runId, id, generation, each.position, parent, canonicalJson(minibatch)];
      this.insert("evolution_proposals", [...place, callKey, fault, reason]);
    }
    for (const each of rows.trials ?? []) {
      const asked = [runId, each.candidate, each.draftId, each.critiqueKey, each.critique];
      const said = [each.says, each.revisionKey, each.revision];
      this.insert("evolution_trials", [...asked, ...said, each.outcome, each.finding, each.score]);
    }
    for (const { candidate, parentScore, childScore, entered } of rows.matches ?? []) {
      this.insert("evolution_matches", [
        runId,
        candidate,
        parentScore,
        childScore,
        Number(entered),
      ]);
    }
    for (const each of rows.proofs ?? []) {
      const { candidate, tasks, better, worse, low, high, p, pAdjusted, won, path } = each;
      const counts = [runId, candidate, each.position, tasks, better, worse];
      this.insert("evolution_proofs", [...counts, low, high, p, pAdjusted, Number(won), path]);
    }
  }

  drafts(runId: string): EvolutionDraft[] {
    type Row = Omit<EvolutionDraft, "verdict" | "truncated"> &
      EvolutionDraft["verdict"] & { truncated: 0 | 1 };
    return this.db
      .prepare<[string], Row>(
        `SELECT id, task_id AS taskId, number AS "index", call_key AS callKey, answer, truncated,
                outcome, score, verifier, finding, tried
           FROM evolution_drafts WHERE run_id = ? ORDER BY rowid`,
      )
      .all(runId)
      .map(({ outcome, score, verifier, finding, truncated, ...draft }) => ({
        ...draft,
        truncated: truncated === 1,
        verdict: { outcome, score, verifier, finding },
      }));
  }

  proposals(runId: string): Proposal[] {
    return this.db
      .prepare<[string], Omit<Proposal, "minibatch"> & { minibatch: string }>(
        `SELECT id, generation, position, parent, minibatch, call_key AS callKey, fault, reason
           FROM evolution_proposals WHERE run_id = ? ORDER BY generation, position`,
      )
      .all(runId)
      .map((row) => ({ ...row, minibatch: JSON.parse(row.minibatch) }));
  }

  candidates(runId: string): CandidatePrompt[] {
    return this.db
      .prepare<[string], CandidatePrompt>(
        `SELECT id, generation, position, parent, hash, body FROM evolution_candidates
          WHERE run_id = ? ORDER BY generation, position`,
      )
      .all(runId);
  }

  trials(runId: string): Trial[] {
    return this.db
      .prepare<[string], Trial>(
        `SELECT candidate, draft_id AS draftId, critique_key AS critiqueKey, critique, says,
                revision_key AS revisionKey, revision, outcome, finding, score
           FROM evolution_trials WHERE run_id = ? ORDER BY rowid`,
      )
      .all(runId);
  }

  matches(runId: string): Match[] {
    return this.db
      .prepare<[string], Omit<Match, "entered"> & { entered: 0 | 1 }>(
        `SELECT candidate, parent_score AS parentScore, child_score AS childScore, entered
           FROM evolution_matches WHERE run_id = ? ORDER BY rowid`,
      )
      .all(runId)
      .map((row) => ({ ...row, entered: row.entered === 1 }));
  }

  proofs(runId: string): Proof[] {
    return this.db
      .prepare<[string], Omit<Proof, "won"> & { won: 0 | 1 }>(
        `SELECT candidate, position, tasks, better, worse, low, high, p, p_adjusted AS pAdjusted, won, path
           FROM evolution_proofs WHERE run_id = ? ORDER BY position`,
      )
      .all(runId)
      .map((row) => ({ ...row, won: row.won === 1 }));
  }

  private insert(table: string, values: readonly unknown[]): void {
    const places = values.map(() => "?").join(", ");
    this.db.prepare(`INSERT INTO ${table} VALUES (${places})`).run(...values);
  }
}
