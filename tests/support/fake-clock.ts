import type { Clock } from "../../src/core/clock.js";

/** Time that passes only when it is told to, or when somebody sleeps. */
export class FakeClock implements Clock {
  private elapsed = 0;
  /** How long each sleep was to be, in milliseconds. */
  readonly sleeps: number[] = [];
  /** Called before each sleep, for instance to change the wall clock. */
  onSleep: (clock: FakeClock) => void = () => {};

  constructor(private wall: Date) {}

  now = () => new Date(this.wall);
  monotonic = () => this.elapsed;

  sleep = async (milliseconds: number, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    this.sleeps.push(milliseconds);
    this.onSleep(this);
    signal?.throwIfAborted();
    this.advance(milliseconds);
  };

  advance(milliseconds: number): void {
    this.elapsed += milliseconds;
    this.jump(milliseconds);
  }

  /** Changes the wall clock alone, as a suspended machine or a corrected clock does. */
  jump(milliseconds: number): void {
    this.wall = new Date(this.wall.getTime() + milliseconds);
  }
}
