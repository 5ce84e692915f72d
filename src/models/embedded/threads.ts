/** Steps that one trial of the other setting takes; the first only warms up. */
const trialSteps = 4;
/** Steps between trials when all is well: a trial costs at most a few slow steps. */
const trialEvery = 250;
/** Steps before the first trial, and at least between any two. */
const settle = 12;
/** A step this many times slower than usual asks for a trial at once. */
const suspicious = 3;

/**
 * Decides, step by step, between all threads and one. llama.cpp's threads wait for each other at
 * barriers by spinning, so a busy neighbour on one core makes all of them together many times
 * slower than one alone. The answer does not depend on the choice, only the time it takes.
 *
 * A step's cost a token falls with its size, so only steps of similar size are compared.
 */
export class ThreadGovernor {
  private mode: "all" | "one" = "all";
  private sinceTrial = 0;
  /** Costs on trial, each as a multiple of what such a step usually costs. */
  private trial: number[] | null = null;
  /** Whether the two have been compared at all: the machine may be busy from the start. */
  private compared = false;
  /** Running mean of a step's milliseconds in the current mode, by its size. */
  private usual = new Map<number, number>();

  constructor(private readonly threads: number) {}

  /** How many threads the next step should take. */
  get wanted(): number {
    const mode = this.trial === null ? this.mode : other(this.mode);
    return mode === "all" ? this.threads : 1;
  }

  /** Tells how long a step of so many tokens took with the wanted number of threads. */
  observe(milliseconds: number, tokens: number): void {
    if (this.threads < 2 || tokens === 0) return;
    const usual = this.usual.get(tokens);
    if (this.trial === null) this.observeUsual(milliseconds, tokens, usual);
    else if (usual !== undefined) this.observeTrial(this.trial, milliseconds / usual);
  }

  private observeUsual(milliseconds: number, tokens: number, usual: number | undefined): void {
    const slow = usual !== undefined && milliseconds > suspicious * usual;
    this.usual.set(tokens, usual === undefined ? milliseconds : 0.85 * usual + 0.15 * milliseconds);
    this.sinceTrial++;
    const due = this.sinceTrial >= (this.compared && !slow ? trialEvery : settle);
    // A trial needs something to be compared with: a size that has just been seen.
    if (due && usual !== undefined) this.trial = [];
  }

  private observeTrial(trial: number[], cost: number): void {
    trial.push(cost);
    if (trial.length < trialSteps) return;
    if (Math.min(...trial.slice(1)) < 0.9) {
      this.mode = other(this.mode);
      this.usual = new Map();
    }
    this.compared = true;
    this.trial = null;
    this.sinceTrial = 0;
  }
}

function other(mode: "all" | "one"): "all" | "one" {
  return mode === "all" ? "one" : "all";
}
