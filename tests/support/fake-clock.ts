import { ManualClock } from "./manual-clock.js";

/** Nobody waits on it: whoever sleeps lets the time pass. */
export class FakeClock extends ManualClock {
  /** How long each sleep was to be, in milliseconds. */
  readonly sleeps: number[] = [];
  /** Called before each sleep, for instance to change the wall clock. */
  onSleep: (clock: FakeClock) => void = () => {};

  override async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.sleeps.push(milliseconds);
    this.onSleep(this);
    signal?.throwIfAborted();
    this.advance(milliseconds);
  }
}
