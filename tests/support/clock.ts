import type { Clock } from "../../src/core/clock.js";

/** A clock whose time passes only when a test says so, or when somebody sleeps. */
export class TestClock implements Clock {
  private passed = 0;
  private wall = Date.parse("2026-03-28T22:00:00Z");
  private readonly sleepers = new Set<{ until: number; wake: () => void }>();

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
      signal?.addEventListener("abort", () => {
        this.sleepers.delete(sleeper);
        reject(signal.reason);
      });
    });
  }

  /** Lets time pass, and whoever slept so long wake up. */
  async pass(milliseconds: number): Promise<void> {
    this.passed += milliseconds;
    this.wall += milliseconds;
    for (const sleeper of this.sleepers) {
      if (sleeper.until > this.passed) continue;
      this.sleepers.delete(sleeper);
      sleeper.wake();
    }
    // What was woken does its work before the test goes on.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Sets the wall clock, as people do. */
  jump(milliseconds: number): void {
    this.wall += milliseconds;
  }
}
