import type { Clock } from "../../src/core/clock.js";

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  private passed = 0;
  private sleepers: { until: number; wake(): void }[] = [];

  constructor(private start = Date.parse("2026-11-23T20:00:00Z")) {}

  now(): Date {
    return new Date(this.start + this.passed);
  }

  monotonic(): number {
    return this.passed;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.sleepers.push({ until: this.passed + milliseconds, wake: resolve });
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  /** Time passes. */
  advance(milliseconds: number): void {
    this.passed += milliseconds;
    const due = this.sleepers.filter(({ until }) => until <= this.passed);
    this.sleepers = this.sleepers.filter(({ until }) => until > this.passed);
    for (const { wake } of due) wake();
  }

  /** Somebody sets the clock, or the machine was asleep: no work was done meanwhile. */
  set(moment: string): void {
    this.start = Date.parse(moment) - this.passed;
  }
}
