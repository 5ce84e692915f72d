import type { Clock } from "../../core/clock.js";
import { messageOf, PausedError, RedistillError } from "../../core/errors.js";
import { untilAborted } from "../../core/until-aborted.js";
import { Silence } from "../embedded/silence.js";
import { delayAfter, type Patience } from "./patience.js";

/** How often the time without a sign of life is looked at, in milliseconds. */
const tickMs = 1_000;

/** The server is being asked who it is, for as long as somebody waits for that. */
interface Probing {
  readonly done: Promise<void>;
  readonly stop: AbortController;
  waiting: number;
}

export interface CircuitOptions {
  readonly name: string;
  readonly patience: Patience;
  readonly clock: Clock;
  /** Asks whether the server is there and still the same; throws a `state` error if it is another. */
  identify(signal: AbortSignal): Promise<void>;
}

/**
 * A circuit breaker around a server (Nygard, "Release It!"). After a failure nothing is sent before
 * the server has said who it is. After several in a row the circuit is open: one question now and
 * then, ever more seldom, until it answers. Without a sign of life for too long the run has to pause.
 */
export class Circuit {
  /** In a row. */
  private failures = 0;
  private doubtful = false;
  private probing: Probing | null = null;
  private lastTrouble = "";
  /** Counts ticks, so that the hours of a suspended machine are not the server's. */
  private readonly silence: Silence;
  private timer: NodeJS.Timeout | null = null;
  private gone = new AbortController();

  constructor(
    private readonly options: CircuitOptions,
    private readonly onNotice: (text: string) => void,
  ) {
    const { awayMs } = options.patience;
    const bounds = { firstMs: awayMs, stepMs: awayMs, factor: 0, stopMs: 0 };
    this.silence = new Silence({ tickMs, ...bounds });
  }

  /** Aborted, with a PausedError, when the server has been away for too long. */
  get away(): AbortSignal {
    return this.gone.signal;
  }

  /**
   * Waits while the server is away; to be called before each request. Several batches wait for one and the same
   * question: one that gives up does not end it for the others.
   */
  async pass(signal: AbortSignal): Promise<void> {
    if (!this.doubtful) return;
    signal.throwIfAborted();
    this.probing ??= this.startProbing();
    const { probing } = this;
    probing.waiting++;
    try {
      await untilAborted(probing.done, signal);
    } finally {
      if (--probing.waiting === 0) this.leave(probing);
    }
  }

  /** A token or an answer came. */
  alive(): void {
    if (this.isOpen) this.onNotice(`${this.options.name} answers again.`);
    this.failures = 0;
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  /** The server is there, and wants to be left alone for a while. */
  busy(trouble: string): void {
    this.lastTrouble = trouble;
    this.wait();
  }

  failed(trouble: string): void {
    this.lastTrouble = trouble;
    this.doubtful = true;
    this.failures++;
    this.wait();
    if (this.failures === this.options.patience.failuresToOpen) {
      this.onNotice(
        `${this.options.name} is away (${trouble}). It is asked now and then; the run goes on when it is back.`,
      );
    }
  }

  /** Nothing is waited for any more. */
  rest(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.gone = new AbortController();
  }

  private get isOpen(): boolean {
    return this.failures >= this.options.patience.failuresToOpen;
  }

  private startProbing(): Probing {
    const stop = new AbortController();
    const done = this.probe(stop.signal);
    // Whoever waited may have given up before it failed.
    done.catch(() => {});
    return { done, stop, waiting: 0 };
  }

  private leave(probing: Probing): void {
    probing.stop.abort();
    if (this.probing === probing) this.probing = null;
  }

  private async probe(signal: AbortSignal): Promise<void> {
    const { patience, clock, identify } = this.options;
    const stop = AbortSignal.any([signal, this.away]);
    for (;;) {
      if (this.isOpen) {
        const beyond = this.failures - patience.failuresToOpen + 1;
        await clock.sleep(delayAfter(beyond, this.failures, null, patience), stop);
      }
      stop.throwIfAborted();
      try {
        await identify(stop);
        this.doubtful = false;
        return;
      } catch (error) {
        stop.throwIfAborted();
        if (error instanceof RedistillError && error.kind === "state") throw error;
        this.failed(messageOf(error));
      }
    }
  }

  private wait(): void {
    if (this.timer !== null) return;
    this.silence.begin();
    this.timer = setInterval(() => {
      if (this.silence.tick()) this.gone.abort(this.pause());
    }, tickMs);
  }

  private pause(): PausedError {
    const { name, patience } = this.options;
    return new PausedError(
      "server",
      `${name} has not answered for ${Math.round(patience.awayMs / 60_000)} minutes: ${this.lastTrouble}`,
      "See that the server runs, then go on with `redistill resume`; everything that was answered is kept.",
    );
  }
}
