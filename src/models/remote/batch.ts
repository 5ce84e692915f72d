import type { Clock } from "../../core/clock.js";
import type { CallRequest, Generation, Message } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import type { GivenUp, SampleOptions } from "../../core/ports.js";
import type { Circuit } from "./circuit.js";
import { type Endpoint, EndpointFault, type EndpointTrouble } from "./endpoint.js";
import { listen } from "./listen.js";
import { delayAfter, type Patience } from "./patience.js";
import type { Permit, Throttle } from "./throttle.js";

export interface BatchServer {
  readonly endpoint: Endpoint;
  readonly circuit: Circuit;
  readonly throttle: Throttle;
  readonly patience: Patience;
  readonly clock: Clock;
  readonly countsExactly: boolean;
  /** Asks who the server is; throws what a wrong key, a wrong name or another model is. */
  confirm(signal: AbortSignal): Promise<void>;
}

const drained = Symbol("drained");

/** One `sample`: its requests, taken up in their order, a few side by side. */
export class Batch {
  private next = 0;
  /** The first error of any request ends all. */
  private readonly failure = new AbortController();
  /** Ends everything at once. */
  private readonly stop: AbortSignal;
  /** Ends what only waits. */
  private readonly noMore: AbortSignal;
  private readonly promptTokens = new Map<readonly Message[], Promise<number>>();
  private readonly again = new Map<EndpointTrouble, number>();

  constructor(
    private readonly server: BatchServer,
    private readonly requests: readonly CallRequest[],
    private readonly options: SampleOptions,
  ) {
    this.stop = AbortSignal.any([options.signal, this.failure.signal, server.circuit.away]);
    this.noMore = options.drain ? AbortSignal.any([this.stop, options.drain]) : this.stop;
  }

  async work(width: number): Promise<void> {
    const lanes = Array.from({ length: Math.min(width, this.requests.length) }, () =>
      this.lane().catch((error) => this.failure.abort(error)),
    );
    await Promise.all(lanes);
    this.tellRetries();
    this.stop.throwIfAborted();
  }

  private async lane(): Promise<void> {
    while (this.next < this.requests.length && !this.noMore.aborted) {
      const index = this.next++;
      await this.see(this.requests[index] as CallRequest, index);
    }
  }

  /** Sends a request until it is answered, given up, or nothing more is to be begun. */
  private async see(request: CallRequest, index: number): Promise<void> {
    const { patience, clock } = this.server;
    let broken = 0;
    for (let failures = 1; ; failures++) {
      const fault = await this.attempt(request, index);
      if (fault === null) return;
      if (fault.trouble === "refused") {
        // Where the key or the name is wrong this says so, and no request is to blame.
        await this.server.confirm(this.stop);
        this.giveUp(index, { how: "refused", reason: fault.message });
        return;
      }
      this.again.set(fault.trouble, (this.again.get(fault.trouble) ?? 0) + 1);
      if (fault.trouble !== "busy" && ++broken >= patience.triesOfOne) {
        this.giveUp(index, { how: "failed", reason: `${fault.message}; tried ${broken} times` });
        return;
      }
      const delay = delayAfter(failures, request.sampling.seed, fault.retryAfterMs, patience);
      if ((await this.waited(clock.sleep(delay, this.noMore))) === drained) return;
    }
  }

  /** @returns what the server did in place of answering; null when nothing more is to be done. */
  private async attempt(request: CallRequest, index: number): Promise<EndpointFault | null> {
    const { circuit, throttle } = this.server;
    const permit = await this.waited(throttle.enter(this.noMore));
    if (permit === drained) return null;
    try {
      // With its place taken, so that nothing comes between this look and the request.
      if ((await this.waited(circuit.pass(this.noMore))) === drained) return null;
      const sent = this.server.countsExactly ? await this.lengthOf(request.messages) : 0;
      const generation = await this.ask(request);
      circuit.alive();
      throttle.answered();
      this.take(index, generation, sent);
      return null;
    } catch (error) {
      if (!(error instanceof EndpointFault) || this.stop.aborted) throw error;
      this.failed(error, permit);
      return error;
    } finally {
      throttle.leave();
    }
  }

  private failed(fault: EndpointFault, permit: Permit): void {
    const { circuit, throttle } = this.server;
    if (fault.trouble === "refused") return;
    if (fault.trouble !== "busy") {
      circuit.failed(fault.message);
      return;
    }
    circuit.busy(fault.message);
    const limit = throttle.tooMany(permit);
    if (limit === null) return;
    this.options.onNotice?.(
      `The server is busy: ${limit} ${limit === 1 ? "request" : "requests"} at once from now on.`,
    );
  }

  /** `drained` where that ended the wait: the request stays without an answer. */
  private async waited<T>(wait: Promise<T>): Promise<T | typeof drained> {
    try {
      return await wait;
    } catch (error) {
      if (this.stop.aborted || !this.options.drain?.aborted) throw error;
      return drained;
    }
  }

  private async ask(request: CallRequest): Promise<Generation> {
    const { endpoint, circuit, patience } = this.server;
    return listen(patience, this.stop, (signal, heard) =>
      endpoint.answer(request, this.options.adapter, {
        signal,
        onTokens: (count) => {
          heard();
          circuit.alive();
          this.options.onTokens?.(count);
        },
      }),
    );
  }

  /** Passes an answer on, unless the server read less than what it was sent; 0 where it says nothing. */
  private take(index: number, generation: Generation, sent: number): void {
    const { promptTokens } = generation;
    if (promptTokens >= sent || promptTokens === 0) {
      this.options.onResult(index, generation);
      return;
    }
    this.giveUp(index, {
      how: "refused",
      reason: `the server read ${promptTokens} of the prompt's ${sent} tokens and cut the rest without saying so; give it a longer context`,
    });
  }

  /** In tokens; samples of one question share their messages. */
  private lengthOf(messages: readonly Message[]): Promise<number> {
    const { endpoint } = this.server;
    const known = this.promptTokens.get(messages);
    if (known) return known;
    const counted = endpoint
      .countTokens([endpoint.render(messages)], this.stop)
      .then(([length]) => length as number);
    this.promptTokens.set(messages, counted);
    return counted;
  }

  private giveUp(index: number, why: GivenUp): void {
    if (this.options.onGivenUp) this.options.onGivenUp(index, why);
    else {
      throw new RedistillError(
        "model",
        `the model's server gave no answer: ${why.reason}`,
        "Ask something else, or see what the server says of it.",
      );
    }
  }

  private tellRetries(): void {
    const total = [...this.again.values()].reduce((sum, count) => sum + count, 0);
    if (total === 0) return;
    const kinds = [...this.again].map(([trouble, count]) => `${trouble} ${count}`).join(", ");
    this.options.onNotice?.(
      `${total} ${total === 1 ? "try" : "tries"} had to be made again (${kinds}).`,
    );
  }
}
