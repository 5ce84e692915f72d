import {
  type AmountLimits,
  type Amounts,
  amountLimits,
  type BudgetKind,
  budgetKinds,
  firstOver,
  hasLimit,
  minus,
  nothing,
  numberOf,
  plus,
} from "../core/budget.js";
import type { Clock } from "../core/clock.js";
import type { CallRequest, Generation } from "../core/entities.js";
import { modelName, modelOf, type Role } from "../core/model.js";
import { costOf, type Price, priceOf, requirePriced, runPrices } from "../core/money.js";
import { type Night, nightOf } from "../core/night.js";
import type { ChatModel } from "../core/ports.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { budgetReached, type Reached } from "./budget-reached.js";
import { commitAt } from "./commit.js";
import { WorstCase } from "./worst-case.js";

export interface LedgerOptions {
  readonly store: Store;
  readonly run: RunRow;
  readonly clock: Clock;
  readonly models: Readonly<Record<Role, Pick<ChatModel, "render" | "countTokens">>>;
}

/** What a role's model costs. */
interface Quote {
  readonly price: Price | null;
  readonly worst: WorstCase;
}

/** Time is written down at least this often while answers come in, in milliseconds. */
const writeEvery = 1_000;

/**
 * What a run has spent and may still spend, for one unit of its work. It begins with the sums of the
 * saved rows; what was in flight when a process died is in no row, and so counts as nothing.
 */
export class Ledger {
  private readonly priceOf;
  private readonly limits: { readonly run: AmountLimits; readonly night: AmountLimits };
  private readonly limited: boolean;
  private spent: { run: Amounts; night: Amounts };
  /** Requests in flight, and the worst that they can cost. */
  private readonly inFlight = new Set<CallRequest>();
  private reserved: Amounts = nothing;
  private readonly countsTokens: boolean;
  private readonly quotes = new Map<Role, Quote>();
  private night: Night;
  private readonly openedAt: number;
  private answered = 0;
  /** Up to when time, and how much of the database, has been written down. */
  private writtenAt: number;
  private writtenSize: number;
  private files = 0;

  /** @throws RedistillError `usage` for a budget of money without a price. */
  constructor(private readonly options: LedgerOptions) {
    const { store, run, clock } = options;
    const { budget } = run.recipe;
    requirePriced(run.recipe);
    this.priceOf = runPrices(run);
    this.limits = { run: amountLimits(budget), night: amountLimits(budget.night) };
    this.limited = hasLimit(budget) || hasLimit(budget.night);
    this.countsTokens = this.isLimited("tokens") || this.isLimited("money");
    this.night = nightOf(clock.now(), budget.timeZone);
    this.spent = this.readSpent();
    this.openedAt = clock.monotonic();
    this.writtenAt = this.openedAt;
    this.writtenSize = store.spend.databaseBytes();
  }

  /** The moment, as answers and rounds are dated; the night goes on with it. */
  now(): Date {
    const now = this.options.clock.now();
    if (now >= this.night.start && now < this.night.end) return now;
    this.night = nightOf(now, this.options.run.recipe.budget.timeZone);
    this.spent = this.readSpent();
    return now;
  }

  /**
   * Reserves the longest beginning of some requests whose worst case fits in what is left: the whole
   * prompt, an answer of maxTokens. Where time is limited, also no more than half of it is taken at
   * the speed so far, since answers in flight are awaited. A request that is in flight already, and
   * is sent again, is not reserved twice.
   *
   * @returns how many, at least one.
   * @throws PausedError `budget` if not even the first fits.
   */
  async admit(requests: readonly CallRequest[], role: Role): Promise<number> {
    if (!this.limited) return requests.length;
    const quote = this.quoteOf(role);
    await quote.worst.prepare(requests);
    const most = Math.min(requests.length, this.answersInTime(role));
    for (let count = 0; count < most; count++) {
      const request = requests[count] as CallRequest;
      if (this.inFlight.has(request)) continue;
      const worst = quote.worst.of(request);
      const wanted = plus(this.reserved, worst);
      const reached = this.reachedBy(wanted);
      if (reached !== null && count === 0) throw this.paused(reached);
      if (reached !== null) return count;
      this.reserved = wanted;
      this.inFlight.add(request);
    }
    return most;
  }

  /** A request was answered or given up, and its row written. */
  settle(request: CallRequest, generation: Generation, role: Role): void {
    this.answered++;
    if (!this.limited) return;
    const { promptTokens, completionTokens } = generation;
    const { worst, price } = this.quoteOf(role);
    // One that was given up may never have been sent by this process.
    if (this.inFlight.delete(request)) this.reserved = minus(this.reserved, worst.of(request));
    this.spend({
      tokens: BigInt(promptTokens + completionTokens),
      calls: 1n,
      money: price === null ? 0n : costOf(price, promptTokens, completionTokens),
    });
  }

  /** @throws PausedError `budget` if there is no time or disk left, or no round to begin. */
  require(wanted: Partial<Amounts> = { diskMegabytes: 1n }): void {
    const reached = this.limited ? this.reachedBy(plus(nothing, wanted)) : null;
    if (reached !== null) throw this.paused(reached);
  }

  /**
   * Trains within the time that is left. When it is over the training is stopped as by Ctrl-C: it
   * goes on from its checkpoint.
   *
   * @param adapterBytes What the adapter will take on the disk, as far as is known; asked only where
   *   the disk is limited.
   * @throws PausedError `budget` when time is up.
   */
  async train<T>(
    signal: AbortSignal,
    adapterBytes: () => number,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const bytes = this.isLimited("diskMegabytes") ? adapterBytes() : 0;
    this.require({ diskMegabytes: BigInt(Math.max(1, bytes)) });
    if (this.timeLeft() === null) return work(signal);
    const [done, up] = [new AbortController(), new AbortController()];
    this.whenTimeIsUp(AbortSignal.any([signal, done.signal])).then(
      () => up.abort(),
      () => undefined,
    );
    try {
      return await work(AbortSignal.any([signal, up.signal]));
    } catch (error) {
      if (up.signal.aborted && !signal.aborted) this.require();
      throw error;
    } finally {
      done.abort();
    }
  }

  /** What is left of each kind that has a limit, in the recipe's units, by run or night, whichever is less. */
  left(): Record<string, number> {
    this.now();
    const found: Record<string, number> = {};
    for (const scope of ["run", "night"] as const) {
      for (const kind of budgetKinds) {
        const limit = this.limits[scope][kind];
        if (limit === null) continue;
        const amount = numberOf(kind, limit - this.spent[scope][kind]);
        found[kind] = Math.min(found[kind] ?? amount, amount);
      }
    }
    return found;
  }

  /** Whether time should be written down before more of it can be lost. */
  get isDue(): boolean {
    return this.options.clock.monotonic() - this.writtenAt >= writeEvery;
  }

  /** Files were written for good, adapters; they are written down with the rows that name them. */
  addFiles(bytes: number): void {
    this.files += bytes;
  }

  /** Writes down time and growth since the last time. Call inside a transaction. */
  write(): void {
    const { store, run, clock } = this.options;
    this.now();
    const milliseconds = Math.floor(clock.monotonic() - this.writtenAt);
    const bytes = this.unwrittenBytes();
    if (milliseconds <= 0 && bytes === 0n) return;
    store.spend.addWork(run.id, this.night.name, milliseconds, Number(bytes));
    this.writtenAt += milliseconds;
    this.writtenSize = store.spend.databaseBytes();
    this.files = 0;
    this.spend({ minutes: BigInt(milliseconds), diskMegabytes: bytes });
  }

  /** The same in a transaction of its own. */
  commit(): void {
    commitAt(this.options.store, "spend", () => this.write());
  }

  /** The same after an error, which counts more than that this cannot be written either. */
  commitAtLast(): void {
    try {
      this.commit();
    } catch {}
  }

  private spend(amounts: Partial<Amounts>): void {
    const { run, night } = this.spent;
    this.spent = { run: plus(run, amounts), night: plus(night, amounts) };
  }

  private readSpent(): { run: Amounts; night: Amounts } {
    const { store, run } = this.options;
    if (!this.limited) return { run: nothing, night: nothing };
    const of = (night: Night | null) => store.spend.of(run.id, this.priceOf, night);
    return { run: of(null), night: of(this.night) };
  }

  private reachedBy(wanted: Amounts): Reached | null {
    this.now();
    const unwritten = {
      minutes: this.unwrittenTime(),
      diskMegabytes: this.isLimited("diskMegabytes") ? this.unwrittenBytes() : 0n,
    };
    for (const scope of ["run", "night"] as const) {
      const spent = plus(this.spent[scope], unwritten);
      const over = firstOver(this.limits[scope], spent, wanted);
      if (over) return { ...over, scope, spent, wanted, night: this.night };
    }
    return null;
  }

  private paused(reached: Reached) {
    const { store, run } = this.options;
    return budgetReached(run, reached, store.spend.rounds(run.id, this.priceOf));
  }

  private unwrittenTime(): bigint {
    return BigInt(Math.floor(this.options.clock.monotonic() - this.writtenAt));
  }

  private unwrittenBytes(): bigint {
    const grown = this.options.store.spend.databaseBytes() - this.writtenSize;
    return BigInt(Math.max(0, grown) + this.files);
  }

  /** Milliseconds; null where there is no limit. */
  private timeLeft(): number | null {
    this.now();
    const left = (["run", "night"] as const).flatMap((scope) => {
      const limit = this.limits[scope].minutes;
      if (limit === null) return [];
      return [Number(limit - this.spent[scope].minutes - this.unwrittenTime())];
    });
    return left.length === 0 ? null : Math.min(...left);
  }

  private async whenTimeIsUp(signal: AbortSignal): Promise<void> {
    // Asked again after each wait: at noon the night's time begins anew.
    for (let left = this.timeLeft(); left !== null && left > 0; left = this.timeLeft()) {
      await this.options.clock.sleep(left, signal);
    }
  }

  /** What requests to a role's model can cost, remembered by request. */
  private quoteOf(role: Role): Quote {
    const known = this.quotes.get(role);
    if (known) return known;
    const { recipe } = this.options.run;
    const price = priceOf(recipe.prices, modelName(modelOf(recipe, role)));
    const worst = new WorstCase(this.options.models[role], price, this.countsTokens);
    const quote = { price, worst };
    this.quotes.set(role, quote);
    return quote;
  }

  private answersInTime(role: Role): number {
    const left = this.timeLeft();
    if (left === null) return Number.POSITIVE_INFINITY;
    const { sequences } = modelOf(this.options.run.recipe, role);
    const elapsed = this.options.clock.monotonic() - this.openedAt;
    const pace = elapsed > 0 ? this.answered / elapsed : 0;
    return Math.max(sequences, Math.floor((left / 2) * pace));
  }

  private isLimited(kind: BudgetKind): boolean {
    return this.limits.run[kind] !== null || this.limits.night[kind] !== null;
  }
}
