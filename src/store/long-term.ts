import { canonicalJson } from "../core/hash.js";
import type { LessonCounts, LessonEvent, LongTermLesson, RetiredFor } from "../core/lesson.js";
import type { LearnedFrom } from "../core/lesson-leaks.js";
import type { Connection } from "./database.js";
import { asLesson, type LessonRow, selectLessons } from "./lesson-rows.js";

/** A lesson before it has a row. */
export interface NewLesson
  extends Pick<LongTermLesson, "id" | "family" | "cluster" | "text" | "source" | "counts"> {
  /** Prompts that it was learned from in other workspaces. */
  readonly elsewhere: readonly string[];
}

/**
 * A training task that a lesson was learned from. It speaks for the lesson where an attempt at it is named; without one it
 * was only in view of the coach that wrote it.
 */
export interface TaskEvidence {
  readonly round: number;
  readonly taskId: string;
  readonly attemptId: string | null;
  readonly critiqueId: string | null;
  readonly revisionId: string | null;
}

/** Where in a run something happened to a lesson; null: it was done by hand. */
export interface Occasion {
  readonly runId: string;
  readonly round: number;
}

export interface JournalRow extends LessonEvent {
  readonly runId: string | null;
  readonly round: number | null;
  readonly at: string;
}

/** Lessons that outlive runs. What writes belongs inside a transaction. */
export class LongTermTables {
  constructor(private readonly db: Connection) {}

  /** Rounds that ended with a family's memory. */
  clock(family: string): number {
    const rounds = this.db
      .prepare<[string], number>("SELECT rounds FROM memory_families WHERE family = ?")
      .pluck()
      .get(family);
    return rounds ?? 0;
  }

  /** A round of the family has ended. */
  tickClock(family: string): void {
    this.db
      .prepare(
        `INSERT INTO memory_families VALUES (?, 1)
           ON CONFLICT (family) DO UPDATE SET rounds = rounds + 1`,
      )
      .run(family);
  }

  families(): string[] {
    return this.db
      .prepare<[], string>("SELECT family FROM memory_families ORDER BY family")
      .pluck()
      .all() as string[];
  }

  find(id: string): LongTermLesson | null {
    const row = this.db.prepare<[string], LessonRow>(`${selectLessons} WHERE l.id = ?`).get(id);
    return row === undefined ? null : asLesson(row);
  }

  /** Lessons in the order in which they were learned; those of one family, or of all where it is null. */
  all(family: string | null): LongTermLesson[] {
    return this.db
      .prepare<[{ family: string | null }], LessonRow>(
        `${selectLessons} WHERE @family IS NULL OR family = @family ORDER BY number`,
      )
      .all({ family })
      .map(asLesson);
  }

  active(family: string): LongTermLesson[] {
    return this.all(family).filter(({ state }) => state === "active");
  }

  /** The prompts of the tasks that each of these was learned from, here and elsewhere. */
  learnedFrom(lessons: readonly Pick<LongTermLesson, "id" | "text">[]): LearnedFrom[] {
    return this.withPrompts(lessons, "1");
  }

  /** The prompts of those of them that speak for each of these: what it is found by. */
  spokenFor(lessons: readonly Pick<LongTermLesson, "id" | "text">[]): LearnedFrom[] {
    return this.withPrompts(lessons, "attempt_id IS NOT NULL");
  }

  private withPrompts(
    lessons: readonly Pick<LongTermLesson, "id" | "text">[],
    condition: string,
  ): LearnedFrom[] {
    const prompts = this.db
      .prepare<[{ id: string }], string>(
        `SELECT prompt FROM memory_evidence e
           JOIN tasks t ON t.run_id = e.run_id AND t.id = e.task_id
          WHERE lesson_id = @id AND ${condition}
          UNION SELECT value FROM memory_lessons l, json_each(elsewhere) WHERE l.id = @id ORDER BY 1`,
      )
      .pluck();
    return lessons.map(({ id, text }) => ({ id, text, prompts: prompts.all({ id }) as string[] }));
  }

  /** The lessons that were made of the failures of each cluster of a run: by the attempts that speak for them, or as its coach said. */
  byCluster(runId: string): Map<string, Set<string>> {
    const rows = this.db
      .prepare<[string, string], { clusterId: string; lessonId: string }>(
        `SELECT cluster_id AS clusterId, lesson_id AS lessonId FROM memory_evidence e
           JOIN cluster_members m ON m.run_id = e.run_id AND m.attempt_id = e.attempt_id
          WHERE e.run_id = ?
          UNION SELECT c.id, l.id FROM clusters c JOIN memory_lessons l ON cluster = c.id WHERE run_id = ?`,
      )
      .all(runId, runId);
    const found = new Map<string, Set<string>>();
    for (const { clusterId, lessonId } of rows) {
      found.set(clusterId, (found.get(clusterId) ?? new Set()).add(lessonId));
    }
    return found;
  }

  /** How close each lesson in use of a family is to some words, by bm25; those without any of them are absent. */
  relevance(family: string, words: readonly string[]): Map<string, number> {
    if (words.length === 0) return new Map();
    const rows = this.db
      .prepare<[string, string], { id: string; closeness: number }>(
        `SELECT id, -bm25(memory_search) AS closeness FROM memory_search
           JOIN memory_lessons ON number = memory_search.rowid
          WHERE memory_search MATCH ? AND family = ? AND state = 'active'`,
      )
      .all(words.map((word) => `"${word.replaceAll('"', '""')}"`).join(" OR "), family);
    return new Map(rows.map(({ id, closeness }) => [id, closeness]));
  }

  insert(lesson: NewLesson): void {
    const { id, family, cluster, text, source, counts, elsewhere } = lesson;
    this.db
      .prepare("INSERT INTO memory_families (family) VALUES (?) ON CONFLICT DO NOTHING")
      .run(family);
    const now = this.clock(family);
    this.db
      .prepare(
        `INSERT INTO memory_lessons (id, family, cluster, version, state, source, learned_at, counted_at, elsewhere)
           VALUES (?, ?, ?, 1, 'active', ?, ?, ?, ?)`,
      )
      .run(id, family, cluster, source, now, now, canonicalJson(elsewhere));
    this.addVersion(id, 1, text);
    this.setCounts(id, counts);
  }

  addEvidence(id: string, runId: string, evidence: readonly TaskEvidence[]): void {
    const insert = this.db.prepare(
      `INSERT INTO memory_evidence VALUES (@id, @runId, @round, @taskId, @attemptId, @critiqueId, @revisionId)
         ON CONFLICT DO NOTHING`,
    );
    for (const each of evidence) insert.run({ id, runId, ...each });
    this.index(id);
  }

  evidence(id: string): (TaskEvidence & { runId: string; prompt: string })[] {
    return this.db
      .prepare<[string], TaskEvidence & { runId: string; prompt: string }>(
        `SELECT e.run_id AS runId, round, task_id AS taskId, attempt_id AS attemptId,
                critique_id AS critiqueId, revision_id AS revisionId, prompt
           FROM memory_evidence e JOIN tasks t ON t.run_id = e.run_id AND t.id = e.task_id
          WHERE lesson_id = ? ORDER BY e.rowid`,
      )
      .all(id);
  }

  /** Other words for a lesson. What was counted was counted of the words before, so it begins anew. */
  edit(id: string, text: string): void {
    const { version, family } = this.find(id)!;
    this.db.prepare("UPDATE memory_lessons SET version = ? WHERE id = ?").run(version + 1, id);
    this.addVersion(id, version + 1, text);
    const none = { shownRight: 0, shownTasks: 0, withheldRight: 0, withheldTasks: 0 };
    this.setCounts(id, { ...none, countedAt: this.clock(family) });
  }

  /** A lesson's words, oldest first. */
  versions(id: string): { version: number; text: string; createdAt: string }[] {
    return this.db
      .prepare<[string], { version: number; text: string; createdAt: string }>(
        `SELECT version, text, created_at AS createdAt FROM memory_versions
          WHERE lesson_id = ? ORDER BY version`,
      )
      .all(id);
  }

  setCounts(id: string, counts: LessonCounts): void {
    this.db
      .prepare(
        `UPDATE memory_lessons SET shown_right = @shownRight, shown_tasks = @shownTasks,
                withheld_right = @withheldRight, withheld_tasks = @withheldTasks, counted_at = @countedAt
          WHERE id = @id`,
      )
      .run({ id, ...counts });
  }

  setUsed(id: string, at: number): void {
    this.db.prepare("UPDATE memory_lessons SET used_at = ? WHERE id = ?").run(at, id);
  }

  retire(id: string, state: "retired" | "forgotten", retiredFor: RetiredFor, reason: string): void {
    this.db
      .prepare("UPDATE memory_lessons SET state = ?, retired_for = ?, reason = ? WHERE id = ?")
      .run(state, retiredFor, reason, id);
  }

  revive(id: string): void {
    this.db
      .prepare(
        "UPDATE memory_lessons SET state = 'active', retired_for = NULL, reason = NULL WHERE id = ?",
      )
      .run(id);
  }

  /** Writes down what happened to a lesson. */
  note({ lessonId, kind, version, reason }: LessonEvent, where: Occasion | null): void {
    this.db
      .prepare(
        `INSERT INTO memory_journal (lesson_id, kind, run_id, round, version, reason, at)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        ...[lessonId, kind, where?.runId ?? null, where?.round ?? null],
        ...[version, reason, new Date().toISOString()],
      );
  }

  history(id: string): JournalRow[] {
    return this.journal("lesson_id = ?", id);
  }

  /** What a run did to lessons, in order. */
  ofRun(runId: string): JournalRow[] {
    return this.journal("run_id = ?", runId);
  }

  private journal(where: string, value: string): JournalRow[] {
    return this.db
      .prepare<[string], JournalRow>(
        `SELECT lesson_id AS lessonId, kind, run_id AS runId, round, version, reason, at
           FROM memory_journal WHERE ${where} ORDER BY sequence`,
      )
      .all(value);
  }

  private addVersion(id: string, version: number, text: string): void {
    this.db
      .prepare("INSERT INTO memory_versions VALUES (?, ?, ?, ?)")
      .run(id, version, text, new Date().toISOString());
    this.index(id);
  }

  /** Brings a lesson's row for searching up to date. */
  private index(id: string): void {
    const { text } = this.find(id)!;
    const [{ prompts } = { prompts: [] }] = this.spokenFor([{ id, text }]);
    this.db
      .prepare(
        `INSERT OR REPLACE INTO memory_search (rowid, text, prompts)
           SELECT number, ?, ? FROM memory_lessons WHERE id = ?`,
      )
      .run(text, prompts.join("\n"), id);
  }
}
