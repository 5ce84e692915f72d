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
 */
export class ThreadGovernor {
  private mode: "all" | "one" = "all";
  private sinceTrial = 0;
  private trial: { costs: number[] } | null = null;
  /** Whether the two have been compared at all: the machine may be busy from the start. */
  private compared = false;
  /** Running mean of milliseconds a token in the current mode. */
  private usual: number | null = null;

  constructor(private readonly threads: number) {}

  /** How many threads the next step should take. */
  get wanted(): number {
    const mode = this.trial === null ? this.mode : other(this.mode);
    return mode === "all" ? this.threads : 1;
  }

  /** Tells how long a step of so many tokens took with the wanted number of threads. */
  observe(milliseconds: number, tokens: number): void {
    if (this.threads < 2 || tokens === 0) return;
    const cost = milliseconds / tokens;
    if (this.trial !== null) this.observeTrial(this.trial, cost);
    else this.observeUsual(cost);
  }

  private observeUsual(cost: number): void {
    const slow = this.usual !== null && cost > suspicious * this.usual;
    this.usual = this.usual === null ? cost : 0.85 * this.usual + 0.15 * cost;
    this.sinceTrial++;
    const due = this.sinceTrial >= (this.compared && !slow ? trialEvery : settle);
    if (due) this.trial = { costs: [] };
  }

  private observeTrial(trial: { costs: number[] }, cost: number): void {
    trial.costs.push(cost);
    if (trial.costs.length < trialSteps) return;
    const tried = Math.min(...trial.costs.slice(1));
    if (this.usual !== null && tried < 0.9 * this.usual) {
      this.mode = other(this.mode);
      this.usual = tried;
    }
    this.compared = true;
    this.trial = null;
    this.sinceTrial = 0;
  }
}

function other(mode: "all" | "one"): "all" | "one" {
  return mode === "all" ? "one" : "all";
}
