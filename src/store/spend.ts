import type { Amounts } from "../core/budget.js";
import { costOf, type PriceOfDigest } from "../core/money.js";
import { type Night, nightNamed } from "../core/night.js";
import type { RoundSpend } from "../core/outlook.js";
import type { Connection } from "./database.js";

/** What a stage of a round paid for. */
export interface StageSpend {
  readonly round: number;
  readonly stage: string;
  readonly calls: number;
  /** In full, as an endpoint would bill them. */
  readonly promptTokens: number;
  /** Those of them that the engine really read: a beginning that prompts share is read once. */
  readonly promptTokensRead: number;
  readonly completionTokens: number;
}

interface TokensOfModel {
  readonly digest: string;
  readonly prompt: number;
  readonly completion: number;
}

/** Calls of a run, of one round or all, from one moment to another. */
interface Range {
  readonly runId: string;
  readonly round: number | null;
  readonly from: string;
  readonly to: string;
  readonly night: string | null;
}

interface Sums {
  calls: number;
  prompt: number;
  completion: number;
  milliseconds: number;
  bytes: number;
  rounds: number;
}

/** What runs have spent, summed from their rows: a kill cannot lose what was paid for. */
export class SpendTable {
  constructor(private readonly db: Connection) {}

  /**
   * What a run has spent so far, in all or in one night. Answers that another run paid for cost
   * nothing. Prompt tokens count in full, also where a shared beginning was read once: that depends
   * on interruptions, and a budget must not.
   *
   * @param priceOf Prices everything the run ever paid for; null counts no money.
   */
  of(runId: string, priceOf: PriceOfDigest | null, night: Night | null): Amounts {
    const range: Range = {
      runId,
      round: null,
      from: night?.start.toISOString() ?? "",
      to: night?.end.toISOString() ?? "~",
      night: night?.name ?? null,
    };
    const sums = this.db
      .prepare<Range, Sums>(
        `SELECT * FROM
           (SELECT count(*) AS calls, coalesce(sum(prompt_tokens), 0) AS prompt,
                   coalesce(sum(completion_tokens), 0) AS completion
              FROM calls WHERE paid_by_run = @runId AND created_at >= @from AND created_at < @to),
           (SELECT coalesce(sum(milliseconds), 0) AS milliseconds, coalesce(sum(bytes), 0) AS bytes
              FROM work WHERE run_id = @runId AND (@night IS NULL OR night = @night)),
           (SELECT count(*) AS rounds
              FROM rounds WHERE run_id = @runId AND started_at >= @from AND started_at < @to)`,
      )
      .get(range) as Sums;
    return {
      tokens: BigInt(sums.prompt) + BigInt(sums.completion),
      calls: BigInt(sums.calls),
      money: priceOf === null ? 0n : this.money(range, priceOf),
      minutes: BigInt(sums.milliseconds),
      diskMegabytes: BigInt(sums.bytes),
      rounds: BigInt(sums.rounds),
    };
  }

  /** Each model's tokens at its own price. */
  private money(range: Range, priceOf: PriceOfDigest): bigint {
    return this.db
      .prepare<Range, TokensOfModel>(
        `SELECT model_digest AS digest, sum(prompt_tokens) AS prompt, sum(completion_tokens) AS completion
           FROM calls WHERE paid_by_run = @runId AND created_at >= @from AND created_at < @to
            AND (@round IS NULL OR paid_in_round = @round) GROUP BY 1`,
      )
      .all(range)
      .reduce((sum, { digest, prompt, completion }) => {
        const price = priceOf(digest);
        return price === null ? sum : sum + costOf(price, prompt, completion);
      }, 0n);
  }

  /** What a run paid for, by round and stage, in the order in which it did. */
  /** Seconds of work for each call that was paid for, and for each training; null before any was finished. */
  pace(): { call: number; training: number } | null {
    const row = this.db
      .prepare<[], { call: number | null; training: number | null }>(
        `SELECT (SELECT sum(seconds) FROM stages WHERE stage <> 'retrain')
                  / nullif((SELECT count(*) FROM calls), 0) AS call,
                (SELECT avg(seconds) FROM stages WHERE stage = 'retrain') AS training`,
      )
      .get();
    const { call = null, training = null } = row ?? {};
    return call === null || training === null ? null : { call, training };
  }

  byStage(runId: string): StageSpend[] {
    return this.db
      .prepare<[string], StageSpend>(
        `SELECT paid_in_round AS round, paid_in_stage AS stage, count(*) AS calls,
                sum(prompt_tokens) AS promptTokens,
                sum(evaluated_prompt_tokens) AS promptTokensRead,
                sum(completion_tokens) AS completionTokens
           FROM calls WHERE paid_by_run = ? GROUP BY 1, 2 ORDER BY 1, min(rowid)`,
      )
      .all(runId);
  }

  /**
   * What each round of a run has taken so far. Its minutes are those of its finished stages, its
   * bytes an equal share of all.
   */
  rounds(runId: string, priceOf: PriceOfDigest | null): RoundSpend[] {
    const rows = this.db
      .prepare<[string], { round: number; finished: 0 | 1; seconds: number }>(
        `SELECT number AS round, finished_at IS NOT NULL AS finished,
                (SELECT coalesce(sum(seconds), 0) FROM stages
                  WHERE stages.run_id = rounds.run_id AND round = number) AS seconds
           FROM rounds WHERE run_id = ? ORDER BY number`,
      )
      .all(runId);
    const { diskMegabytes: bytes } = this.of(runId, null, null);
    const paid = this.byStage(runId);
    return rows.map(({ round, finished, seconds }) => {
      const sum = (key: "calls" | "promptTokens" | "completionTokens") =>
        paid.filter((row) => row.round === round).reduce((total, row) => total + row[key], 0);
      const [prompt, completion] = [sum("promptTokens"), sum("completionTokens")];
      const spent = {
        tokens: BigInt(prompt + completion),
        calls: BigInt(sum("calls")),
        money:
          priceOf === null
            ? 0n
            : this.money({ runId, round, from: "", to: "~", night: null }, priceOf),
        minutes: BigInt(Math.round(seconds * 1000)),
        diskMegabytes: bytes / BigInt(rows.length),
        rounds: 1n,
      };
      return { round, finished: finished === 1, spent };
    });
  }

  /** The nights in which a run was worked on, the first one first. */
  nights(runId: string, timeZone: string | null): Night[] {
    return this.db
      .prepare<[string], { night: string }>("SELECT night FROM work WHERE run_id = ? ORDER BY 1")
      .all(runId)
      .map(({ night }) => nightNamed(night, timeZone));
  }

  /** Adds time and bytes to a night. Call inside a transaction. */
  addWork(runId: string, night: string, milliseconds: number, bytes: number): void {
    this.db
      .prepare(
        `INSERT INTO work VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
           SET milliseconds = milliseconds + excluded.milliseconds, bytes = bytes + excluded.bytes`,
      )
      .run(runId, night, milliseconds, bytes);
  }

  /** Size of the database's file, without its write-ahead log. */
  databaseBytes(): number {
    const read = (name: string) => this.db.pragma(name, { simple: true }) as number;
    return read("page_count") * read("page_size");
  }
}
