import type { Clock } from "../../src/core/clock.js";

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  private passed = 0;
  private wall: number;
  private readonly sleepers = new Set<{ until: number; wake(): void }>();

  constructor(start: Date | string = "2026-11-23T20:00:00Z") {
    this.wall = new Date(start).getTime();
  }

  now(): Date {
    return new Date(this.wall);
  }

  monotonic(): number {
    return this.passed;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const sleeper = { until: this.passed + milliseconds, wake: resolve };
      this.sleepers.add(sleeper);
      const stop = () => {
        this.sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  /** Time passes; whoever slept so long is woken. */
  advance(milliseconds: number): void {
    this.passed += milliseconds;
    this.wall += milliseconds;
    for (const sleeper of this.sleepers) {
      if (sleeper.until > this.passed) continue;
      this.sleepers.delete(sleeper);
      sleeper.wake();
    }
  }

  /** The same, and what was woken does its work before the test goes on. */
  async pass(milliseconds: number): Promise<void> {
    this.advance(milliseconds);
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** The wall clock alone is moved: somebody puts it right, or the machine was asleep. */
  jump(milliseconds: number): void {
    this.wall += milliseconds;
  }

  /** The same, to a moment. */
  set(moment: string): void {
    this.wall = Date.parse(moment);
  }
}
