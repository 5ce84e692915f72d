import { untilAborted } from "../core/until-aborted.js";

/** Work that must not be done twice at the same time, in the order in which it was asked for, each key by itself. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  /** Rejects with the signal's reason where that ends the wait for a turn. */
  take<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key) ?? Promise.resolve();
    const turn = untilAborted(before, signal).then(work);
    // Whoever gives up lets nobody pass that is at work before it.
    this.last.set(
      key,
      Promise.allSettled([before, turn]).then(() => {}),
    );
    return turn;
  }
}
