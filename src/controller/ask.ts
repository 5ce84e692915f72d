import type { Adapter, CallRequest, Generation } from "../core/entities.js";
import { EngineFault, messageOf, PausedError, RedistillError } from "../core/errors.js";
import type { ChatModel, GivenUp } from "../core/ports.js";
import type { Payer } from "../store/calls.js";
import type { Store } from "../store/store.js";
import { Arrivals } from "./arrivals.js";
import { commitAt } from "./commit.js";

export interface Answer {
  readonly key: string;
  readonly generation: Generation;
}

export interface AskOptions {
  readonly store: Store;
  readonly model: ChatModel;
  /** Answers that the model writes side by side. */
  readonly width: number;
  readonly payer: Payer;
  readonly signal: AbortSignal;
  /** Once aborted, nothing more is asked, and what is under way is awaited. */
  readonly drain: AbortSignal;
  /** How many of these, from the first on, may be sent now, at least one; called again after them. */
  admit(waiting: readonly CallRequest[]): Promise<number>;
  onTokens(count: number): void;
  /** Called with the answers that came together. */
  onAnswers(answers: readonly Answer[]): void;
  /** Called inside a transaction: the request will have no answer. */
  onGivenUp(key: string): void;
  /** Says to those who watch what came between, such as that the engine was started again, and why. */
  onNotice(text: string): void;
}

/** A request that was under way at so many crashes is asked alone from then on. */
const suspectAfter = 2;
/** One that was under way at so many, alone the last time, is to blame for them. */
const guiltyAfter = 3;
/** So many guilty prompts without an answer to any other: the engine is to blame. */
const tooManyGuilty = 3;
/** The same for prompts that a server refuses while it has answered others: it may have a filter. */
const tooManyRefused = 10;
/** Restarts without an answer after which fewer answers are written side by side. */
const restartsBeforeHalf = 2;

/**
 * Asks the model for answers and sees them through crashes and hangs of its engine: requests without
 * an answer are asked again, those under way at two crashes alone, and what ends the engine also
 * then is given up. Counts are rows, so that they survive the death of this process too. What a
 * server refuses, or breaks at each time, is given up as well, once it has answered something else.
 *
 * @throws PausedError `engine` when the engine cannot be kept alive, `server` when a server breaks at
 *   everything; RedistillError `model` when it refuses everything.
 */
export async function askThrough(
  requests: ReadonlyMap<string, CallRequest>,
  adapter: Adapter | null,
  options: AskOptions,
): Promise<void> {
  if (requests.size === 0) return;
  const { store, payer } = options;
  const end = () => commitAt(store, "ask:end", () => store.suspects.endAsking(payer.runId));
  const asking = commitAt(store, "ask:begin", () => new Asking(requests, adapter, options));
  try {
    await asking.work();
  } catch (error) {
    try {
      end();
    } catch {
      // The first error counts, as on a full disk; one death too many is counted at worst.
    }
    throw error;
  }
  end();
}

class Asking {
  /** Requests without an answer, in their order. */
  private readonly open: Set<string>;
  private readonly crashes: Map<string, number>;
  /** Open requests to blame: given up once another answer shows that the engine works. */
  private readonly guilty = new Set<string>();
  /** Those of them that a server gave up, and why. */
  private readonly givenUp = new Map<string, GivenUp>();
  private hasAnswered = false;
  private width: number;
  /** Restarts since the last answer in company. */
  private stalls = 0;

  constructor(
    private readonly requests: ReadonlyMap<string, CallRequest>,
    private readonly adapter: Adapter | null,
    private readonly options: AskOptions,
  ) {
    const { store, payer, width } = options;
    this.open = new Set(requests.keys());
    this.width = width;
    this.crashes = store.suspects.crashes();
    this.findGuilty();
    // Where the first request got its answer, the process before did not die at this very place.
    const place = [payer.round, payer.stage, adapter?.sha256 ?? "base", this.left[0]].join(" ");
    const deaths = store.suspects.beginAsking(payer.runId, place);
    // A single death of the whole process is more likely a power cut or a kill than a request.
    if (deaths >= suspectAfter) {
      this.blame(this.underWay(this.left), "redistill's own process died while it was asked");
      this.findGuilty();
    }
  }

  async work(): Promise<void> {
    for (;;) {
      this.pauseIfAllGuilty();
      const { left } = this;
      if (left.length === 0 || this.options.drain.aborted) break;
      const waiting = this.batchOf(left);
      const admitted = await this.options.admit(waiting.map((key) => this.request(key)));
      await this.ask(waiting.slice(0, admitted));
    }
    this.giveUpGuilty();
  }

  /** What is still to be asked, in order. */
  private get left(): string[] {
    return [...this.open].filter((key) => !this.guilty.has(key));
  }

  private findGuilty(): void {
    for (const key of this.open) if (this.crashesOf(key) >= guiltyAfter) this.guilty.add(key);
  }

  /** The first suspect alone, else all that are left. */
  private batchOf(left: readonly string[]): readonly string[] {
    const suspect = left.find((key) => this.crashesOf(key) >= suspectAfter);
    return suspect === undefined ? left : [suspect];
  }

  /** Which of these were asked when the engine died: requests are taken up in their order. */
  private underWay(unanswered: readonly string[]): readonly string[] {
    return this.batchOf(unanswered).slice(0, this.width);
  }

  private async ask(batch: readonly string[]): Promise<void> {
    const { model, signal, drain } = this.options;
    const isAlone = this.crashesOf(batch[0]!) >= suspectAfter;
    const arrivals = new Arrivals<Answer>((answers) => this.answered(answers, isAlone));
    try {
      await model.sample(
        batch.map((key) => this.request(key)),
        {
          adapter: this.adapter,
          signal: AbortSignal.any([signal, arrivals.failed]),
          drain,
          width: isAlone ? 1 : this.width,
          onTokens: this.options.onTokens,
          onResult: (index, generation) => {
            this.hasAnswered = true;
            arrivals.add({ key: batch[index]!, generation });
          },
          onGivenUp: (index, why) => this.refused(batch[index]!, why),
          onNotice: (text) => this.notice(text),
        },
      );
    } catch (error) {
      // What came before is kept; if that failed, it is the reason and not the abort.
      arrivals.flush();
      if (!(error instanceof EngineFault) || signal.aborted) throw error;
      this.survive(error, batch, isAlone);
    }
    arrivals.flush();
  }

  private answered(answers: readonly Answer[], isAlone: boolean): void {
    this.options.onAnswers(answers);
    const { store } = this.options;
    for (const { key } of answers) {
      this.open.delete(key);
      if (this.crashes.delete(key)) {
        commitAt(store, "ask:forgive", () => store.suspects.forgive(key));
      }
    }
    if (!isAlone) this.stalls = 0;
    this.giveUpGuilty();
  }

  private refused(key: string, why: GivenUp): void {
    this.guilty.add(key);
    this.givenUp.set(key, why);
    this.pauseIfAllGuilty();
  }

  private notice(text: string): void {
    const { store, payer, onNotice } = this.options;
    commitAt(store, "ask:notice", () =>
      store.events.append(payer.runId, payer.round, "server-trouble", { stage: payer.stage, text }),
    );
    onNotice(text);
  }

  /** Decides how to go on after a crash or a hang. */
  private survive(fault: EngineFault, batch: readonly string[], isAlone: boolean): void {
    const { store, payer, onNotice } = this.options;
    const unanswered = batch.filter((key) => this.open.has(key));
    // A hang of many tells of no request in particular.
    const suspects =
      fault.answering && (isAlone || fault.fault === "crashed") ? this.underWay(unanswered) : [];
    const culprit = isAlone ? suspects[0] : undefined;
    if (culprit === undefined) this.stalls++;
    else this.stalls = 0;
    const halve = this.stalls === restartsBeforeHalf + 1;
    if (halve) this.width = Math.max(1, Math.floor(this.width / 2));
    commitAt(store, "ask:restart", () => {
      this.blame(suspects, fault.message);
      store.suspects.survive(payer.runId);
      store.events.append(payer.runId, payer.round, "engine-restarted", {
        stage: payer.stage,
        fault: fault.fault,
        reason: fault.message,
        width: this.width,
      });
    });
    if (culprit !== undefined && this.crashesOf(culprit) >= guiltyAfter) this.guilty.add(culprit);
    if (this.stalls > restartsBeforeHalf + 1) throw lost(fault);
    onNotice(
      `${fault.message}. It is started again${halve ? `, with ${this.width} answers at once` : ""}.`,
    );
  }

  private blame(keys: readonly string[], reason: string): void {
    const { store, payer } = this.options;
    for (const key of keys) {
      store.suspects.blame(key, payer, reason);
      this.crashes.set(key, this.crashesOf(key) + 1);
    }
  }

  private request(key: string): CallRequest {
    return this.requests.get(key) as CallRequest;
  }

  private crashesOf(key: string): number {
    return this.crashes.get(key) ?? 0;
  }

  private giveUpGuilty(): void {
    if (this.guilty.size === 0) return;
    const { store, payer, onGivenUp } = this.options;
    commitAt(store, "ask:give-up", () => {
      for (const key of this.guilty) {
        const why = this.givenUp.get(key);
        if (why) store.suspects.giveUp(key, payer, why.reason);
        else store.suspects.quarantine(key);
        onGivenUp(key);
        store.events.append(payer.runId, payer.round, "quarantined", { stage: payer.stage, key });
      }
    });
    for (const key of this.guilty) this.open.delete(key);
    this.guilty.clear();
    this.givenUp.clear();
  }

  /** Where one prompt after the other is to blame, none is: they are asked again another time. */
  private pauseIfAllGuilty(): void {
    const prompts = [...this.guilty].map((key) => JSON.stringify(this.request(key).messages));
    const [why] = this.givenUp.values();
    const most = why?.how === "refused" && this.hasAnswered ? tooManyRefused : tooManyGuilty;
    if (new Set(prompts).size < most) return;
    if (why) throw nothingTaken(why, this.guilty.size);
    const { store } = this.options;
    commitAt(store, "ask:clear", () => {
      for (const key of this.open) if (this.crashes.has(key)) store.suspects.forgive(key);
    });
    throw new PausedError(
      "engine",
      `the engine's process ended at each of ${this.guilty.size} requests that it was asked alone`,
      "Check the memory and the model's file (`redistill doctor`), then resume the run; nothing was given up.",
    );
  }
}

function nothingTaken({ how, reason }: GivenUp, requests: number): RedistillError {
  return how === "refused"
    ? new RedistillError(
        "model",
        `the model's server refused ${requests} requests, one after the other: ${reason}`,
        "Set the server or the recipe right, then resume the run; these are asked again.",
      )
    : new PausedError(
        "server",
        `the model's server broke at ${requests} requests, one after the other: ${reason}`,
        "See what the server's log says, then resume the run; these are asked again.",
      );
}

function lost(fault: EngineFault): PausedError {
  return new PausedError(
    "engine",
    `the engine could not be kept alive, also with fewer answers at once: ${messageOf(fault)}`,
    `${fault.hint} Everything that was answered is kept.`,
    { cause: fault },
  );
}
