import type { Clock } from "../../src/core/clock.js";

/** Time that passes only when a test says so; the two clocks can be moved apart. */
export class ManualClock implements Clock {
  private elapsed = 0;

  constructor(private wall = Date.parse("2026-03-28T22:00:00Z")) {}

  now(): Date {
    return new Date(this.wall);
  }

  monotonic(): number {
    return this.elapsed;
  }

  /** Nobody waits: whoever sleeps lets the time pass. */
  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.advance(milliseconds);
  }

  advance(milliseconds: number): void {
    this.elapsed += milliseconds;
    this.wall += milliseconds;
  }

  /** As when somebody sets the clock. */
  setWall(iso: string): void {
    this.wall = Date.parse(iso);
  }
}
