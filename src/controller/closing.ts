import type { Hours, OutsideHours } from "../schedule/index.js";

/** Ends a stage in order when the run's hours end while it is at work. */
export class Closing {
  private readonly controller = new AbortController();

  constructor(
    private readonly hours: Hours,
    private readonly runId: string,
  ) {}

  /** Aborted when no further work may be begun. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Called whenever something has happened, as each token does; cheap. */
  check(): void {
    if (!this.signal.aborted && this.hours.haveClosed()) this.controller.abort();
  }

  error(): OutsideHours {
    const opening = this.hours.look();
    return this.hours.outside(this.runId, opening.open ? this.hours.now() : opening.opens);
  }

  /** Work that cannot be drained, as a training: it is stopped with its checkpoint. */
  async interrupting<T>(signal: AbortSignal, work: (stop: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await work(AbortSignal.any([signal, this.signal]));
    } catch (error) {
      throw this.signal.aborted && !signal.aborted ? this.error() : error;
    }
  }
}
