import type { CallRequest, Completion, Generation } from "../core/entities.js";
import { hasOwnModel, modelOf, type Role } from "../core/model.js";
import type { Complete, RoleModels } from "../core/ports.js";
import type { Recipe } from "../core/recipe.js";
import { callKey, type Payer } from "../store/calls.js";
import type { Store } from "../store/store.js";
import { askThrough } from "./ask.js";
import type { CallsUnderWay } from "./calls-under-way.js";
import type { Closing } from "./closing.js";
import { commitAt } from "./commit.js";
import type { Ledger } from "./ledger.js";
import type { Observe } from "./progress.js";

interface CompleteOptions {
  readonly store: Store;
  readonly models: RoleModels;
  readonly recipe: Recipe;
  /** Whose model is asked. */
  readonly role: Role;
  readonly payer: Payer & { readonly score: number | null };
  /** Says how much may be sent, and hears what it took. */
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
  readonly observe: Observe;
  readonly closing: Closing;
  /** What other runs of this process ask for at the moment. */
  readonly underWay: CallsUnderWay;
  /** Gets the keys of all that is asked, whoever pays for it. */
  readonly asked: Set<string>;
}

/** What stands for an answer that never came: cut off, so that nothing is learned from it. */
const noAnswer: Generation = {
  text: "",
  stopReason: "length",
  promptTokens: 0,
  evaluatedPromptTokens: 0,
  completionTokens: 0,
  durationMs: 0,
};

/** How often watchers hear of items, in milliseconds. */
const reportEvery = 250;

/**
 * Answers requests, each distinct one at most once in the life of the database: those that were paid
 * for before come from it, those that another run is asking for are waited for, the others are
 * written to it as soon as the model has answered. A request is sent when its worst case fits in
 * what is left of the budgets; those before it are awaited.
 * The student's adapter is worn by the student alone: a role with a model of its own answers without.
 */
export function createComplete(options: CompleteOptions): Complete {
  const { store, models, recipe, role, payer, ledger, signal, observe, closing, underWay } =
    options;
  const model = models[role];
  const width = modelOf(recipe, role).sequences;
  return async (requests, students) => {
    const adapter = hasOwnModel(recipe, role) ? null : students;
    const keys = requests.map((request) => callKey(request, model.digest, adapter?.sha256 ?? null));
    for (const key of keys) options.asked.add(key);
    const known = new Map<string, Completion>();
    const missing = new Map<string, CallRequest>();
    for (const [index, key] of keys.entries()) {
      if (known.has(key) || missing.has(key)) continue;
      const found = store.calls.find(key);
      if (found) known.set(key, found);
      else missing.set(key, requests[index]!);
    }
    const meter = new Meter(options, known.size, known.size + missing.size);
    const from = { digest: model.digest, adapter: adapter?.sha256 ?? null };
    const record = (key: string, generation: Generation) => {
      const request = missing.get(key) as CallRequest;
      store.calls.record(key, request, from, generation, payer, ledger.now());
    };
    const answered = (key: string, answer: Completion) => {
      known.set(key, answer);
      underWay.release(key);
      meter.item();
    };
    const ask = (own: ReadonlyMap<string, CallRequest>) =>
      askThrough(own, adapter, {
        ...{ store, model, width, payer, signal, drain: closing.signal },
        admit: (waiting) => ledger.admit(waiting, role),
        onTokens: (count) => {
          closing.check();
          meter.tokens(count);
        },
        onAnswers: (answers) => {
          commitAt(store, "call", () => {
            for (const { key, generation } of answers) record(key, generation);
            if (ledger.isDue) ledger.write();
          });
          for (const { key, generation } of answers) {
            ledger.settle(missing.get(key) as CallRequest, generation, role);
            answered(key, { ...generation, callKey: key });
          }
        },
        onGivenUp: (key) => {
          record(key, noAnswer);
          ledger.settle(missing.get(key) as CallRequest, noAnswer, role);
          answered(key, store.calls.find(key) as Completion);
        },
        onNotice: (text) => observe({ kind: "note", text }),
      });
    const open = () => [...missing].filter(([key]) => !known.has(key));
    while (open().length > 0) {
      const own = underWay.claim(open().map(([key]) => key));
      try {
        await ask(new Map(open().filter(([key]) => own.has(key))));
      } finally {
        // After everything of its own, so that no two runs wait for each other.
        for (const key of own) if (!known.has(key)) underWay.release(key);
      }
      const others = open().map(([key]) => key);
      if (others.length === 0 || closing.signal.aborted) break;
      await underWay.wait(others, signal);
      closing.check();
      for (const key of others) {
        const found = store.calls.find(key);
        if (found === null) continue;
        known.set(key, found);
        meter.item();
      }
    }
    observe(meter.report());
    if (keys.some((key) => !known.has(key))) throw closing.error();
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
