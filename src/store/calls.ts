import type { CallRequest, Completion, Generation } from "../core/entities.js";
import { canonicalJson, sha256 } from "../core/hash.js";
import type { Connection } from "./database.js";
import { packLogprobs, unpackLogprobs } from "./logprobs.js";

interface CallRow {
  key: string;
  text: string;
  stop_reason: "end" | "length";
  prompt_tokens: number;
  evaluated_prompt_tokens: number;
  completion_tokens: number;
  duration_ms: number;
  unanswered: string | null;
  tokens: Buffer | null;
}

/** Where in a run a call was paid for. */
export interface Payer {
  readonly runId: string;
  readonly round: number;
  readonly stage: string;
}

/** Answers that a run paid for in a stretch of time: its traces where no stage was finished. */
export interface Traces {
  readonly round: number;
  readonly stage: string;
  readonly calls: number;
  /** When the last of them was written. */
  readonly last: string;
}

/** The content-addressed key of a request: everything that determines its answer, nothing else. */
export function callKey(request: CallRequest, modelDigest: string, adapter: string | null): string {
  return sha256({ ...request, model: modelDigest, adapter });
}

/** Model requests and their answers, shared by all runs: no key is paid for twice. */
export class CallTable {
  private readonly selectOne;
  private readonly insertOne;
  private readonly insertLogprobs;
  private readonly insertForm;
  private readonly insertUse;

  constructor(private readonly db: Connection) {
    this.selectOne = db.prepare<[string], CallRow>(
      `SELECT calls.*, suspects.reason AS unanswered, tokens FROM calls
         LEFT JOIN call_logprobs ON call_logprobs.call_key = key
         LEFT JOIN suspects ON suspects.call_key = key AND quarantined_at IS NOT NULL WHERE key = ?`,
    );
    this.insertOne = db.prepare(
      `INSERT INTO calls VALUES (@key, @modelDigest, @adapter, @messages, @sampling, @text,
         @stopReason, @promptTokens, @evaluatedPromptTokens, @completionTokens, @durationMs,
         @runId, @round, @stage, @createdAt) ON CONFLICT (key) DO NOTHING`,
    );
    this.insertLogprobs = db.prepare(
      "INSERT INTO call_logprobs VALUES (?, ?) ON CONFLICT (call_key) DO NOTHING",
    );
    this.insertForm = db.prepare(
      "INSERT INTO call_forms VALUES (?, ?) ON CONFLICT (call_key) DO NOTHING",
    );
    this.insertUse = db.prepare(
      `INSERT INTO call_uses SELECT ?, ?, key FROM calls WHERE key = ? AND paid_by_run <> ?
         ON CONFLICT (run_id, call_key) DO NOTHING`,
    );
  }

  find(key: string): Completion | null {
    const row = this.selectOne.get(key);
    if (row === undefined) return null;
    return {
      callKey: row.key,
      text: row.text,
      stopReason: row.stop_reason,
      promptTokens: row.prompt_tokens,
      evaluatedPromptTokens: row.evaluated_prompt_tokens,
      completionTokens: row.completion_tokens,
      durationMs: row.duration_ms,
      ...(row.unanswered === null ? {} : { unanswered: row.unanswered }),
      ...(row.tokens === null ? {} : { logprobs: unpackLogprobs(row.tokens) }),
    };
  }

  record(
    key: string,
    request: CallRequest,
    model: { digest: string; adapter: string | null },
    { logprobs, ...generation }: Generation,
    payer: Payer,
    at = new Date(),
  ): void {
    this.insertOne.run({
      key,
      modelDigest: model.digest,
      adapter: model.adapter,
      messages: canonicalJson(request.messages),
      sampling: canonicalJson(request.sampling),
      ...generation,
      runId: payer.runId,
      round: payer.round,
      stage: payer.stage,
      createdAt: at.toISOString(),
    });
    const { messages: _messages, sampling: _sampling, ...form } = request;
    if (Object.keys(form).length > 0) this.insertForm.run(key, canonicalJson(form));
    if (logprobs !== undefined) this.insertLogprobs.run(key, packLogprobs(logprobs));
  }

  /**
   * Writes down which of these calls another run paid for: this one stands on them, too. The first stage that asked
   * counts. Call inside a transaction.
   */
  use(runId: string, stage: string, keys: Iterable<string>): void {
    for (const key of keys) this.insertUse.run(runId, stage, key, runId);
  }

  /** What a run paid for after one moment and up to another, in a round or the one after it. */
  tracesBetween(runId: string, round: number, after: string, until: string): Traces[] {
    return this.db
      .prepare<unknown[], Traces>(
        `SELECT paid_in_round AS round, paid_in_stage AS stage, count(*) AS calls,
                max(created_at) AS last
           FROM calls
          WHERE paid_by_run = ? AND paid_in_round BETWEEN ? AND ? + 1
            AND created_at > ? AND created_at <= ?
          GROUP BY 1, 2 ORDER BY max(created_at)`,
      )
      .all(runId, round, round, after, until);
  }
}
