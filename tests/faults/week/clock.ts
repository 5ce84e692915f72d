// In the place of src/core/clock.ts: time passes when work is done, and leaps when all wait.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Clock } from "../../../src/core/clock.js";
import { clockVariable, weekBegins } from "./plan.js";

/** So long nothing has happened before a wait is cut short, in real milliseconds. */
const idleAfter = 20;

/** A day's wait is made of small ones: it takes leaps of so much, and those who wait wake up late. */
const leap = 10 * 60_000;

interface Sleeper {
  readonly until: number;
  wake(): void;
}

/**
 * A clock of a simulated world that outlives the processes in it: the world's time is kept in a
 * file. Work says how long it takes; when nobody works, the clock goes on to the next who waits.
 */
class SimulatedClock implements Clock {
  private world: number;
  /** What this machine's clock shows too much. */
  private wrong = 0;
  private passed = 0;
  private working = 0;
  private lastWork = performance.now();
  private ticking: NodeJS.Timeout | null = null;
  private readonly sleepers = new Set<Sleeper>();

  constructor(
    private readonly path: string,
    begin: number,
  ) {
    this.world = existsSync(path) ? Number(readFileSync(path, "utf8")) : begin;
  }

  now = (): Date => new Date(this.world + this.wrong);

  monotonic = (): number => this.passed;

  sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { until: this.passed + Math.max(milliseconds, 1), wake: () => resolve() };
      this.sleepers.add(sleeper);
      signal?.addEventListener(
        "abort",
        () => {
          if (this.sleepers.delete(sleeper)) reject(signal.reason);
        },
        { once: true },
      );
      this.goOnWhenIdle();
    });

  /** Work takes time. */
  pass(milliseconds: number): void {
    this.lastWork = performance.now();
    this.advance(milliseconds);
  }

  /** While this is under way, time passes by `pass` alone. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.working++;
    try {
      return await work();
    } finally {
      this.working--;
      this.lastWork = performance.now();
      this.goOnWhenIdle();
    }
  }

  /** The machine sleeps: the world goes on, the monotonic clock does not. */
  suspend(milliseconds: number): void {
    this.world += milliseconds;
    this.keep();
  }

  /** Somebody sets the clock wrong by so much; 0 puts it right. */
  setWrong(milliseconds: number): void {
    this.wrong = milliseconds;
  }

  private advance(milliseconds: number): void {
    this.passed += milliseconds;
    this.world += milliseconds;
    this.keep();
    for (const sleeper of this.sleepers) {
      if (sleeper.until > this.passed) continue;
      this.sleepers.delete(sleeper);
      sleeper.wake();
    }
  }

  private keep(): void {
    const mine = `${this.path}.${process.pid}`;
    writeFileSync(mine, `${this.world}`);
    renameSync(mine, this.path);
  }

  private goOnWhenIdle(): void {
    if (this.ticking !== null) return;
    const tick = () => {
      this.ticking = null;
      if (this.sleepers.size === 0 || this.working > 0) return;
      if (performance.now() - this.lastWork >= idleAfter) {
        const next = Math.min(...[...this.sleepers].map(({ until }) => until)) - this.passed;
        this.advance(Math.max(next, leap));
      }
      this.goOnWhenIdle();
    };
    this.ticking = setTimeout(tick, 0);
  }
}

export const systemClock = new SimulatedClock(process.env[clockVariable] as string, weekBegins);
