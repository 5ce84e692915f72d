import { type Clock, systemClock } from "../../core/clock.js";
import type { CallRequest, Message } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import { modelName, type ServedSettings } from "../../core/model.js";
import type { ChatModel, ModelCapabilities, SampleOptions } from "../../core/ports.js";
import { Batch } from "./batch.js";
import { Circuit } from "./circuit.js";
import { type Endpoint, EndpointFault, type EndpointIdentity } from "./endpoint.js";
import { insist } from "./insist.js";
import { type Patience, usualPatience } from "./patience.js";
import { Throttle } from "./throttle.js";

export type RemoteSettings = ServedSettings;

/**
 * A model that a server answers for: requests side by side, retries, timeouts, a circuit breaker and
 * draining around an endpoint that does none of that.
 *
 * @example
 * const model = await RemoteModel.open(endpoint, settings, signal);
 */
export class RemoteModel implements ChatModel {
  private readonly circuit: Circuit;
  private readonly throttle: Throttle;
  private readonly name: string;
  /** Requests under way at once, at most. */
  private readonly width: number;
  /** What is told to those whose requests are under way: several runs may ask at once. */
  private readonly listeners = new Set<(text: string) => void>();

  private constructor(
    private readonly endpoint: Endpoint,
    private readonly identity: EndpointIdentity,
    settings: RemoteSettings,
    private readonly patience: Patience,
    private readonly clock: Clock,
  ) {
    this.name = `${modelName(settings)} (${settings.provider})`;
    this.width = Math.min(settings.sequences, identity.parallel ?? settings.sequences);
    this.throttle = new Throttle(this.width);
    const identify = (signal: AbortSignal) => this.requireSame(signal);
    this.circuit = new Circuit({ name: this.name, patience, clock, identify }, (text) => {
      for (const listener of this.listeners) listener(text);
    });
  }

  /**
   * Asks the server who it is.
   *
   * @param patience Replaceable in tests.
   * @throws RedistillError `model` for a server that is absent, a wrong name or a wrong key; `usage`
   *   where the recipe wants longer sequences than the server has.
   */
  static async open(
    endpoint: Endpoint,
    settings: RemoteSettings,
    signal: AbortSignal,
    { clock = systemClock, ...patience }: Partial<Patience> & { clock?: Clock } = {},
  ): Promise<RemoteModel> {
    const identity = await endpoint.identify(signal);
    const { contextTokens } = identity;
    if (contextTokens !== null && contextTokens < settings.contextTokens) {
      throw new RedistillError(
        "usage",
        `contextTokens is ${settings.contextTokens}, but ${modelName(settings)} takes ${contextTokens} tokens at ${settings.provider}`,
        `Start the server with a longer context, or set contextTokens: ${contextTokens}.`,
      );
    }
    const silences = {
      firstTokenMs: settings.firstTokenSeconds * 1000,
      nextTokenMs: settings.nextTokenSeconds * 1000,
    };
    const all = { ...usualPatience, ...silences, ...patience };
    return new RemoteModel(endpoint, identity, settings, all, clock);
  }

  get digest(): string {
    return this.identity.digest;
  }

  get description(): string {
    return this.identity.description;
  }

  get capabilities(): ModelCapabilities {
    return this.identity.capabilities;
  }

  render(messages: readonly Message[]): string {
    return this.endpoint.render(messages);
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    const { signal } = new AbortController();
    const count = () => this.endpoint.countTokens(texts, signal);
    const { patience, clock } = this;
    return insist(count, signal, { patience, clock }).catch((error) => {
      if (!(error instanceof EndpointFault)) throw error;
      throw new RedistillError(
        "model",
        `${this.name} cannot count tokens: ${error.message}`,
        "See that the server runs, then resume the run.",
        { cause: error },
      );
    });
  }

  /** May be called while another call is under way: all share the bound on requests and what is known of the server. */
  async sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void> {
    options.signal.throwIfAborted();
    if (requests.length === 0 || options.drain?.aborted) return;
    const listener = (text: string) => options.onNotice?.(text);
    this.listeners.add(listener);
    const { endpoint, circuit, throttle, patience, clock } = this;
    const batch = new Batch(
      {
        ...{ endpoint, circuit, throttle, patience, clock },
        countsExactly: this.identity.countsExactly === true,
        confirm: (signal) => this.requireSame(signal),
      },
      requests,
      options,
    );
    try {
      await batch.work(Math.min(this.width, options.width ?? this.width));
    } finally {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) circuit.rest();
    }
  }

  dispose(): Promise<void> {
    return this.endpoint.dispose();
  }

  private async requireSame(signal: AbortSignal): Promise<void> {
    const { digest } = await this.endpoint.identify(signal);
    if (digest === this.identity.digest) return;
    throw new RedistillError(
      "state",
      `${this.name} is another model now than when the run began (${digest.slice(0, 12)}, before ${this.identity.digest.slice(0, 12)})`,
      "Was it pulled anew, or the server updated? Put the former one back and resume, or start a new run with --new.",
    );
  }
}
