import { type ListResponse, Ollama, type ShowResponse } from "ollama";
import type { Dispatcher } from "undici";
import { RedistillError } from "../../core/errors.js";
import { nearest } from "../../core/nearest.js";
import { EndpointFault } from "../remote/endpoint.js";
import { asFault, createDispatcher, strictFetch } from "./http.js";

/** What of a model's description is used; the client's types know fewer fields than servers send. */
export type ModelDescription = ShowResponse & {
  readonly renderer?: string;
  readonly parser?: string;
  readonly remote_host?: string;
};

/** One Ollama server: the client for each request, and what it says of itself and of its models. */
export class OllamaServer {
  readonly dispatcher: Dispatcher = createDispatcher();

  constructor(readonly url: string) {}

  /** The client's own `abort` ends every request of it; so each request gets one, with its signal. */
  client(signal: AbortSignal): Ollama {
    return new Ollama({ host: this.url, fetch: strictFetch(this.dispatcher, signal) });
  }

  /**
   * The server's version.
   *
   * @throws RedistillError `model` where nothing answers, or something else than Ollama.
   */
  async version(signal: AbortSignal): Promise<string> {
    const found = await this.ask(signal, (client) => client.version()).catch((cause) => {
      if (!(cause instanceof EndpointFault)) throw cause;
      throw new RedistillError(
        "model",
        `no Ollama answers at ${this.url}: ${cause.message}`,
        "Start it with `ollama serve`, or put its address into `url` of the recipe's model.",
        { cause },
      );
    });
    if (typeof found?.version === "string" && found.version !== "") return found.version;
    throw new RedistillError(
      "model",
      `what answers at ${this.url} is no Ollama: it gives no version`,
      "Put Ollama's address into `url` of the recipe's model; for other servers there is `provider: openai`.",
    );
  }

  /**
   * The digest of a model's manifest: it covers weights, template, parameters and system prompt.
   *
   * @throws RedistillError `model` with the nearest names where there is none of that name.
   */
  async digestOf(name: string, signal: AbortSignal): Promise<string> {
    const models = await this.models(signal);
    const digest = models.get(withTag(name));
    if (digest !== undefined) return digest;
    const close = nearest(withTag(name), [...models.keys()]);
    throw new RedistillError(
      "model",
      `Ollama at ${this.url} has no model ${name}`,
      `${close === null ? "" : `Did you mean ${close}? `}\`redistill models pull ${name} --ollama\` fetches it where its registry has it; \`ollama list\` shows what is there.`,
    );
  }

  /** Digests of all models, by name with tag. */
  async models(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const { models } = await this.ask<ListResponse>(signal, (client) => client.list());
    return new Map((models ?? []).map(({ name, digest }) => [name, digest]));
  }

  describe(model: string, signal: AbortSignal): Promise<ModelDescription> {
    return this.ask<ModelDescription>(signal, (client) => client.show({ model }));
  }

  async remove(model: string, signal: AbortSignal): Promise<void> {
    await this.ask(signal, (client) => client.delete({ model }));
  }

  /** Asks the client; every failure is an EndpointFault, a RedistillError or the signal's reason. */
  async ask<T>(signal: AbortSignal, question: (client: Ollama) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await question(this.client(signal));
    } catch (error) {
      throw asFault(error, signal);
    }
  }

  close(): Promise<void> {
    return this.dispatcher.destroy();
  }
}

/** A name as `ollama list` has it. */
export function withTag(name: string): string {
  return /:[^/]*$/.test(name) ? name : `${name}:latest`;
}
