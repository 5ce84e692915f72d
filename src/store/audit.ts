import { sha256 } from "../core/hash.js";
import type { Connection } from "./database.js";
import { foreignKeyProblems, integrityProblems } from "./snapshot.js";

/** Rows that contradict each other: how many, and the first few. */
export interface Contradiction {
  readonly what: string;
  readonly count: number;
  readonly ids: readonly string[];
}

const withLessons = `examples e LEFT JOIN lessons l
             ON l.run_id = e.run_id AND l.round = e.round AND l.example_id = e.id`;

/** Not where the lesson is that the answer is wrong, where a judge prefers it, or where it is not the answer that is learned. */
const mustBeRight = `ifnull(lesson ->> '$.right', 1) = 1 AND lesson ->> '$.preference' IS NULL
                       AND ifnull(lesson ->> '$.kind', '') NOT IN ('view', 'practice', 'feedback')`;

/** The answers that an example holds beside its own. */
const others = `json_each(CASE lesson ->> '$.kind' WHEN 'pair' THEN json_array(lesson -> '$.rejected')
                  WHEN 'ranking' THEN lesson -> '$.others' ELSE '[]' END)`;

/** Queries give the ids of rows that should not be there; `@run` is a run's id. */
const lineage: readonly (readonly [what: string, sql: string])[] = [
  ...(["attempts", "critiques", "revisions", "distilled"] as const).map(
    (table) =>
      [
        `${table} whose call is not there`,
        `SELECT id FROM ${table} LEFT JOIN calls ON key = call_key WHERE run_id = @run AND key IS NULL`,
      ] as const,
  ),
  [
    "mended answers without a call",
    `SELECT examined_id FROM mended LEFT JOIN calls ON key = call_key WHERE run_id = @run AND key IS NULL`,
  ],
  ...(["evaluations", "sampled_evaluations", "validations"] as const).map(
    (table) =>
      [
        `${table} whose call is not there`,
        `SELECT task_id FROM ${table} LEFT JOIN calls ON key = call_key WHERE run_id = @run AND key IS NULL`,
      ] as const,
  ),
  ...(["attempts", "revisions"] as const).map(
    (table) =>
      [
        `${table} without a verdict`,
        `SELECT id FROM ${table} t LEFT JOIN verdicts v ON v.run_id = t.run_id AND subject_id = id
          WHERE t.run_id = @run AND subject_id IS NULL`,
      ] as const,
  ),
  ...(["attempt", "revision"] as const).map(
    (source) =>
      [
        `examples whose ${source} is not there, was not right, or says something else`,
        `SELECT e.id FROM ${withLessons}
           LEFT JOIN ${source}s s ON s.run_id = e.run_id AND s.id = source_id
           LEFT JOIN verdicts v ON v.run_id = e.run_id AND subject_id = source_id
          WHERE e.run_id = @run AND source = '${source}'
            AND (s.id IS NULL OR s.task_id <> e.task_id OR s.round <> origin_round
                 OR answer <> completion OR (ifnull(outcome, '') <> 'ok' AND ${mustBeRight}))`,
      ] as const,
  ),
  ...(["attempt", "revision"] as const).map(
    (source) =>
      [
        `examples that name another ${source} which is not there or says something else`,
        `SELECT DISTINCT e.id FROM ${withLessons} JOIN ${others} o
           LEFT JOIN ${source}s s ON s.run_id = e.run_id AND s.id = o.value ->> '$.sourceId'
          WHERE e.run_id = @run AND o.value ->> '$.source' = '${source}'
            AND (s.id IS NULL OR s.task_id <> e.task_id OR s.answer <> o.value ->> '$.answer')`,
      ] as const,
  ),
  [
    "examples whose preference is not there or says something else",
    `SELECT e.id FROM ${withLessons} JOIN ${others} o
       LEFT JOIN preferences p ON p.run_id = e.run_id AND p.id = lesson ->> '$.preference'
      WHERE e.run_id = @run AND lesson ->> '$.preference' IS NOT NULL
        AND (p.id IS NULL OR purpose <> 'training' OR NOT CASE outcome
               WHEN 'first' THEN first_id = source_id AND second_id = o.value ->> '$.sourceId'
               WHEN 'second' THEN second_id = source_id AND first_id = o.value ->> '$.sourceId'
               ELSE 0 END)`,
  ],
  ...(["attempt", "revision"] as const).flatMap((source) =>
    (["first", "second"] as const).map(
      (side) =>
        [
          `preferences whose ${side} answer is not there`,
          `SELECT p.id FROM preferences p
             LEFT JOIN ${source}s s ON s.run_id = p.run_id AND s.id = ${side}_id AND s.task_id = p.task_id
            WHERE p.run_id = @run AND ${side}_source = '${source}' AND s.id IS NULL`,
        ] as const,
    ),
  ),
  [
    "examples whose task is not one to learn from",
    `SELECT e.id FROM examples e LEFT JOIN tasks t ON t.run_id = e.run_id AND t.id = e.task_id
      WHERE e.run_id = @run
        AND ifnull(split, '') <> CASE source WHEN 'replay' THEN 'replay' ELSE 'train' END`,
  ],
  [
    "lessons whose task is not one to learn from, or whose revision was not right",
    `SELECT d.id FROM distilled d
       LEFT JOIN tasks t ON t.run_id = d.run_id AND t.id = d.task_id
       LEFT JOIN revisions r ON r.run_id = d.run_id AND r.id = revision_id
       LEFT JOIN verdicts v ON v.run_id = d.run_id AND subject_id = revision_id
      WHERE d.run_id = @run
        AND (ifnull(split, '') <> 'train' OR ifnull(outcome, '') <> 'ok'
             OR r.task_id <> d.task_id OR r.attempt_id <> d.attempt_id
             OR ifnull(r.critique_id, '') <> d.critique_id)`,
  ],
  [
    "clustered attempts that were right, or whose task is not one to learn from",
    `SELECT attempt_id FROM cluster_members m
       JOIN clusters c ON c.run_id = m.run_id AND c.id = cluster_id
       LEFT JOIN attempts a ON a.run_id = m.run_id AND a.id = attempt_id
       LEFT JOIN verdicts v ON v.run_id = m.run_id AND subject_id = attempt_id
       LEFT JOIN tasks t ON t.run_id = m.run_id AND t.id = task_id
      WHERE m.run_id = @run
        AND (ifnull(v.outcome, '') <> c.outcome OR ifnull(split, '') <> 'train' OR a.round <> m.round)`,
  ],
  [
    "sizes of clusters that are not the number of their members",
    `SELECT cluster_id FROM cluster_rounds s
      WHERE run_id = @run AND failures <> (
              SELECT count(*) FROM cluster_members m
               WHERE m.run_id = s.run_id AND m.round = s.round AND m.cluster_id = s.cluster_id)`,
  ],
  [
    "lessons of the long-term memory that rest on a task which is not one to learn from, or are shown with one",
    `SELECT e.task_id FROM (SELECT run_id, task_id FROM memory_evidence UNION SELECT run_id, task_id FROM memory_uses) e
       LEFT JOIN tasks t ON t.run_id = e.run_id AND t.id = e.task_id
      WHERE e.run_id = @run AND ifnull(split, '') <> 'train'`,
  ],
  [
    "validation tasks that are a suite's, or were learned from",
    `SELECT v.task_id FROM validations v JOIN tasks t ON t.run_id = v.run_id AND t.id = v.task_id
      WHERE v.run_id = @run AND (split <> 'train' OR (kind = 'unseen' AND EXISTS (
        SELECT 1 FROM examples e WHERE e.run_id = v.run_id AND e.task_id = v.task_id)))`,
  ],
  [
    "planned tasks that are not for training",
    `SELECT j.value FROM plans p JOIN json_each(p.tasks) j
       LEFT JOIN tasks t ON t.run_id = p.run_id AND t.id = j.value
      WHERE p.run_id = @run AND ifnull(split, '') <> 'train'`,
  ],
  [
    "elicited tasks that are not for training",
    `SELECT t.id FROM elicited e JOIN tasks t ON t.run_id = e.run_id AND t.id = e.task_id
      WHERE e.run_id = @run AND split <> 'train'`,
  ],
];

const mostIds = 5;

/** What `verify` asks; every function reads only. */
export class AuditTables {
  constructor(private readonly db: Connection) {}

  /** What SQLite itself finds wrong. */
  database(): string[] {
    return [...integrityProblems(this.db), ...foreignKeyProblems(this.db)];
  }

  /** Rows of a run that contradict each other. */
  lineage(runId: string): Contradiction[] {
    return lineage.flatMap(([what, sql]) => {
      const ids = this.db.prepare<[{ run: string }], string>(sql).pluck().all({ run: runId });
      return contradiction(what, ids as string[]);
    });
  }

  /** Calls that a run paid for whose key is not the hash of what was asked. */
  strayCalls(runId: string): Contradiction[] {
    const rows = this.db
      .prepare<
        [string],
        {
          key: string;
          model: string;
          adapter: string | null;
          messages: string;
          sampling: string;
          form: string | null;
        }
      >(
        `SELECT key, model_digest AS model, adapter, messages, sampling, form
           FROM calls LEFT JOIN call_forms ON call_key = key WHERE paid_by_run = ?`,
      )
      .iterate(runId);
    const ids: string[] = [];
    for (const { key, model, adapter, messages, sampling, form } of rows) {
      // The columns hold canonical JSON: together they are the text that callKey hashes.
      const rest = form === null ? "}" : `,${form.slice(1)}`;
      const text = `{"adapter":${JSON.stringify(adapter)},"messages":${messages},"model":${JSON.stringify(model)},"sampling":${sampling}${rest}`;
      if (sha256(text) !== key) ids.push(key);
    }
    return contradiction("calls whose key is not the hash of what was asked", ids);
  }

  /** Answers that are not what their call says. */
  strayAnswers(runId: string): Contradiction[] {
    return (
      [
        ["attempts", "id", "answer"],
        ["revisions", "id", "answer"],
        ["critiques", "id", "text"],
        ["evaluations", "task_id", "answer"],
        ["sampled_evaluations", "task_id", "answer"],
        ["validations", "task_id", "answer"],
      ] as const
    ).flatMap(([table, id, answer]) => {
      const rows = this.db
        .prepare<[string], { id: string; answer: string; text: string }>(
          `SELECT ${id} AS id, t.${answer} AS answer, c.text FROM ${table} t
             JOIN calls c ON c.key = call_key WHERE run_id = ? AND t.${answer} <> c.text`,
        )
        .iterate(runId);
      const ids: string[] = [];
      for (const row of rows) if (row.text.trim() !== row.answer) ids.push(row.id);
      return contradiction(`${table} that are not what their call says`, ids);
    });
  }

  /** How many tasks of each suite each model answered; adapter '' is the base weights. */
  suites(runId: string): { suite: string; adapter: string; answered: number }[] {
    return this.db
      .prepare<[string], { suite: string; adapter: string; answered: number }>(
        `SELECT suite, adapter, count(*) AS answered FROM evaluations
          WHERE run_id = ? GROUP BY suite, adapter`,
      )
      .all(runId);
  }

  /** Of the first tasks of a suite: those that only the second model got right, and that only the first did. */
  changes(
    runId: string,
    suite: string,
    before: string | null,
    after: string | null,
    tasks: number,
  ): { gained: number; lost: number } {
    return this.db
      .prepare<unknown[], { gained: number; lost: number }>(
        `SELECT ifnull(sum(b.outcome <> 'ok' AND a.outcome = 'ok'), 0) AS gained,
                ifnull(sum(b.outcome = 'ok' AND a.outcome <> 'ok'), 0) AS lost
           FROM evaluations b JOIN evaluations a USING (run_id, suite, task_id)
          WHERE run_id = ? AND suite = ? AND b.adapter = ? AND a.adapter = ? AND b.position < ?`,
      )
      .get(runId, suite, before ?? "", after ?? "", tasks)!;
  }

  /** Tasks of a round's training set, and of all that curation had before it left any out. */
  curated(
    runId: string,
    round: number,
  ): {
    trained: ReadonlySet<string>;
    rehearsed: ReadonlySet<string>;
    considered: ReadonlySet<string>;
  } {
    const ids = (sql: string) =>
      new Set(this.db.prepare<unknown[], string>(sql).pluck().all(runId, round) as string[]);
    const of = (rest: string) =>
      ids(`SELECT task_id FROM examples WHERE run_id = ? AND round = ? AND ${rest}`);
    const trained = of("source <> 'replay'");
    const refused = ids(
      `SELECT task_id FROM refusals
        WHERE run_id = ? AND round = ? AND reason <> 'cut off at maxTokens'`,
    );
    const rehearsed = of("source = 'replay'");
    return { trained, rehearsed, considered: new Set([...trained, ...refused]) };
  }

  /** Examples whose question does not hold their task's prompt. */
  strayQuestions(runId: string): Contradiction[] {
    const rows = this.db
      .prepare<[string], { id: string; messages: string; prompt: string }>(
        `SELECT e.id, e.messages, t.prompt FROM examples e
           JOIN tasks t ON t.run_id = e.run_id AND t.id = e.task_id WHERE e.run_id = ?`,
      )
      .iterate(runId);
    const ids: string[] = [];
    for (const { id, messages, prompt } of rows) {
      // As JSON writes it: parsing every question would cost more than the search.
      if (!messages.includes(JSON.stringify(prompt).slice(1, -1))) ids.push(id);
    }
    return contradiction("examples whose question is not their task's", ids);
  }
}

function contradiction(what: string, ids: readonly string[]): Contradiction[] {
  return ids.length === 0 ? [] : [{ what, count: ids.length, ids: ids.slice(0, mostIds) }];
}
