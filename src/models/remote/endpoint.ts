import type { Adapter, CallRequest, Generation, Message } from "../../core/entities.js";
import type { ModelCapabilities } from "../../core/ports.js";

/**
 * A server that answers one request at a time. `RemoteModel` makes a ChatModel of it: requests side
 * by side, retries, timeouts, a circuit breaker, draining. An endpoint does none of that.
 */
export interface Endpoint {
  /**
   * What is behind the name, asked of the server now. Called when a model is opened, and again after
   * the server was away: another digest then stops the run.
   *
   * @throws RedistillError `model` for a server that is absent, a wrong name or a wrong key, with the fix.
   */
  identify(signal: AbortSignal): Promise<EndpointIdentity>;
  /**
   * One answer, read to its end as a stream where the server has streams.
   *
   * @throws EndpointFault for what the server did; RedistillError for what no retry can mend.
   */
  answer(request: CallRequest, adapter: Adapter | null, watch: Watch): Promise<Generation>;
  /** The prompt as text, as the server's template makes it where that is known, else role by role. */
  render(messages: readonly Message[]): string;
  /** The length of each text in tokens; where no tokenizer is known, a bound from above. */
  countTokens(texts: readonly string[], signal: AbortSignal): Promise<number[]>;
  dispose(): Promise<void>;
}

/** What whoever opens an endpoint has found out before. */
export interface EndpointContext {
  /** The secret that the settings' `apiKey` names. */
  readonly apiKey: string | null;
  /** The file that the settings' `weights` name, checked. */
  readonly weights: { readonly path: string; readonly sha256: string } | null;
  readonly signal: AbortSignal;
  /** Makes one file of the weights and an adapter; absent where there is no trainer to do that. */
  readonly mergeAdapter?: MergeAdapter;
  /** For people who watch: one sentence. */
  onNotice(text: string): void;
}

/** Writes weights and adapter as one GGUF file, which is gone after `use`. */
export type MergeAdapter = (
  adapter: Adapter,
  signal: AbortSignal,
  use: (file: { readonly path: string; readonly sha256: string }) => Promise<void>,
) => Promise<void>;

/** Makes an endpoint of a provider's settings; nothing needs to be asked of the server yet. */
export type OpenEndpoint<Settings> = (
  settings: Settings,
  context: EndpointContext,
) => Promise<Endpoint>;

export interface EndpointIdentity {
  /** Hash of everything known that could change an answer: weights, template, server, its version. */
  readonly digest: string;
  readonly description: string;
  readonly capabilities: ModelCapabilities;
  /** Tokens that prompt and answer may have together, where the server says so. */
  readonly contextTokens: number | null;
  /**
   * `countTokens` of a rendered prompt gives the very number that the server reports for it: then a
   * smaller one tells of a prompt that was cut.
   */
  readonly countsExactly?: boolean;
  /** Requests that the server answers side by side, where that is known: more would only wait there. */
  readonly parallel?: number;
}

export interface Watch {
  readonly signal: AbortSignal;
  /** Called with the number of tokens since; the first call ends the wait for the first token. */
  onTokens(count: number): void;
}

/** What a server did in place of answering; every kind but `refused` may pass. */
export type EndpointTrouble =
  /** 429 or 503: it says to come back later. */
  | "busy"
  /** Refused or reset connection, 5xx, a stream that ended half-way or with an error line. */
  | "unavailable"
  /** Nothing was heard for too long. */
  | "silent"
  /** A 4xx about this request: asked again it would be refused again. */
  | "refused";

export class EndpointFault extends Error {
  override readonly name = "EndpointFault";

  constructor(
    readonly trouble: EndpointTrouble,
    message: string,
    /** As its Retry-After says, in milliseconds; null where it says nothing. */
    readonly retryAfterMs: number | null = null,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
