/** How long an engine may say nothing. */
export interface Patience {
  /** Milliseconds between two looks at the clock. */
  readonly tickMs: number;
  /** The least that is waited for a step, in milliseconds. */
  readonly stepMs: number;
  /** The least that is waited while weights are loaded and for the first step after that. */
  readonly firstMs: number;
  /** A step may take this many times what the slowest so far took. */
  readonly factor: number;
  /** How long an engine may take to stop after it was told to, in milliseconds: a step or a prompt. */
  readonly stopMs: number;
}

export const usualPatience: Patience = {
  tickMs: 5_000,
  stepMs: 60_000,
  firstMs: 600_000,
  factor: 20,
  stopMs: 30_000,
};

/** A tick that comes later than this many ticks tells of a machine that slept, or was stopped. */
const lateTicks = 3;

/**
 * Tells a hung engine from a slow one. The bound is learned from the run; the first step after a
 * start has one of its own, since weights, context and caches are cold. Silence is counted in ticks
 * of a timer, so that the hours of a suspended machine are not taken for an engine's silence.
 */
export class Silence {
  private readonly slowest = { first: 0, step: 0 };
  private phase: "first" | "step" = "first";
  private silentMs = 0;
  private lookedAt = 0;

  constructor(
    private readonly patience: Patience,
    /** Milliseconds that only grow. */
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** A process was started: it has to load its weights. */
  started(): void {
    this.phase = "first";
  }

  /** Something is waited for from now on; what came before says nothing of how long steps take. */
  begin(): void {
    this.silentMs = 0;
    this.lookedAt = this.now();
  }

  /** The engine has made a step. */
  stepped(): void {
    this.look();
    this.slowest[this.phase] = Math.max(this.slowest[this.phase], this.silentMs);
    this.phase = "step";
    this.silentMs = 0;
  }

  /** To be called every `tickMs`: whether the engine has been silent for too long. */
  tick(): boolean {
    this.look();
    return this.silentMs > this.boundMs;
  }

  /** Milliseconds of silence that are allowed now. */
  get boundMs(): number {
    const { stepMs, firstMs, factor } = this.patience;
    const least = this.phase === "first" ? firstMs : stepMs;
    return Math.max(least, factor * this.slowest[this.phase]);
  }

  private look(): void {
    const passed = this.now() - this.lookedAt;
    this.lookedAt += passed;
    // After a suspend the bound starts anew.
    this.silentMs = passed > lateTicks * this.patience.tickMs ? 0 : this.silentMs + passed;
  }
}
