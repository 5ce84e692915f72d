/**
 * Answers that come in the same turn of the event loop, as those of one step of an engine or of one
 * read from its pipe: they are kept together, in one commit, before anything else is read. None
 * waits for a later one.
 */
export class Arrivals<T> {
  private waiting: T[] = [];
  private failure: { readonly error: unknown } | null = null;
  private readonly controller = new AbortController();

  /** @param keep Writes what has come. What it throws is thrown by `flush`. */
  constructor(private readonly keep: (items: readonly T[]) => void) {}

  /** Aborted when something could not be kept: there is no use in asking for more. */
  get failed(): AbortSignal {
    return this.controller.signal;
  }

  add(item: T): void {
    if (this.waiting.push(item) > 1) return;
    setImmediate(() => {
      try {
        this.flush();
      } catch (error) {
        this.controller.abort(error);
      }
    });
  }

  /** Keeps what has come so far. */
  flush(): void {
    if (this.failure !== null) throw this.failure.error;
    const items = this.waiting;
    this.waiting = [];
    if (items.length === 0) return;
    try {
      this.keep(items);
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }
}
