import type { CallRequest, Completion } from "../core/entities.js";
import type { ChatModel, Complete } from "../core/ports.js";
import { callKey, type Payer } from "../store/calls.js";
import type { Store } from "../store/store.js";
import type { Closing } from "./closing.js";
import { failpoint } from "./failpoint.js";
import type { Observe } from "./progress.js";

interface CompleteOptions {
  readonly store: Store;
  readonly model: ChatModel;
  readonly payer: Payer & { readonly score: number | null };
  readonly signal: AbortSignal;
  readonly observe: Observe;
  readonly closing: Closing;
}

/** How often watchers hear of items, in milliseconds. */
const reportEvery = 250;

/**
 * Answers requests, each distinct one at most once in the life of the database: those that were paid
 * for before come from it, the others are written to it as soon as the model has answered.
 */
export function createComplete(options: CompleteOptions): Complete {
  const { store, model, payer, signal, observe, closing } = options;
  return async (requests, adapter) => {
    const keys = requests.map((request) => callKey(request, model.digest, adapter?.sha256 ?? null));
    const known = new Map<string, Completion>();
    const missing = new Map<string, CallRequest>();
    for (const [index, key] of keys.entries()) {
      if (known.has(key) || missing.has(key)) continue;
      const found = store.calls.find(key);
      if (found) known.set(key, found);
      else missing.set(key, requests[index]!);
    }
    const meter = new Meter(options, known.size, known.size + missing.size);
    const missingKeys = [...missing.keys()];
    await model.sample([...missing.values()], {
      adapter,
      signal,
      drain: closing.signal,
      onTokens: (count) => {
        closing.check();
        meter.tokens(count);
      },
      onResult: (index, generation) => {
        const key = missingKeys[index]!;
        const request = missing.get(key)!;
        const from = { digest: model.digest, adapter: adapter?.sha256 ?? null };
        failpoint("call:before");
        store.transaction(() => store.calls.record(key, request, from, generation, payer));
        failpoint("call:after");
        known.set(key, { ...generation, callKey: key });
        meter.item();
      },
    });
    observe(meter.report());
    if (closing.signal.aborted && missingKeys.some((key) => !known.has(key))) throw closing.error();
    return keys.map((key) => known.get(key)!);
  };
}

/** Counts a stage's answers and its speed. */
class Meter {
  private readonly startedAt = performance.now();
  private lastReport = 0;
  private done: number;
  private sampled = 0;

  constructor(
    private readonly options: CompleteOptions,
    private readonly cached: number,
    private readonly total: number,
  ) {
    this.done = cached;
  }

  tokens(count: number): void {
    this.sampled += count;
    this.maybeReport();
  }

  item(): void {
    this.done++;
    this.maybeReport();
  }

  report(): Parameters<Observe>[0] {
    const seconds = (performance.now() - this.startedAt) / 1000;
    const answered = this.done - this.cached;
    const left = this.total - this.done;
    return {
      kind: "items",
      round: this.options.payer.round,
      stage: this.options.payer.stage,
      score: this.options.payer.score,
      done: this.done,
      total: this.total,
      cached: this.cached,
      tokensPerSecond: seconds > 0 ? this.sampled / seconds : 0,
      secondsLeft: answered > 0 ? (seconds / answered) * left : null,
    };
  }

  private maybeReport(): void {
    const now = performance.now();
    if (now - this.lastReport < reportEvery) return;
    this.lastReport = now;
    this.options.observe(this.report());
  }
}
