/** A right to have one request under way, given back when it has ended. */
export interface Permit {
  readonly generation: number;
}

/**
 * How many requests are under way at a server: half as many when it says that it has too many, one
 * more after as many answers as may be under way (additive increase, multiplicative decrease).
 */
export class Throttle {
  private limit: number;
  private underWay = 0;
  private answers = 0;
  /** Grows with each halving: requests that were sent before it halve nothing again. */
  private generation = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly most: number) {
    this.limit = most;
  }

  /** Waits for a place, in the order of the calls; rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<Permit> {
    signal.throwIfAborted();
    if (this.underWay >= this.limit || this.waiting.length > 0) {
      await new Promise<void>((resolve, reject) => {
        const enter = () => {
          signal.removeEventListener("abort", leave);
          resolve();
        };
        const leave = () => {
          this.waiting.splice(this.waiting.indexOf(enter), 1);
          reject(signal.reason);
        };
        signal.addEventListener("abort", leave, { once: true });
        this.waiting.push(enter);
      });
    } else this.underWay++;
    return { generation: this.generation };
  }

  leave(): void {
    this.underWay--;
    this.admit();
  }

  answered(): void {
    if (this.limit >= this.most || ++this.answers < this.limit) return;
    this.answers = 0;
    this.limit++;
    this.admit();
  }

  /** @returns the new limit, or null where it stays. */
  tooMany({ generation }: Permit): number | null {
    if (generation !== this.generation || this.limit === 1) return null;
    this.generation++;
    this.answers = 0;
    this.limit = Math.max(1, Math.floor(this.limit / 2));
    return this.limit;
  }

  private admit(): void {
    while (this.underWay < this.limit) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.underWay++;
      next();
    }
  }
}
