import type { Adapter, CallRequest, Generation, Message } from "../../core/entities.js";
import { type ErrorKind, RedistillError } from "../../core/errors.js";
import type { EngineOptions } from "./engine.js";
import type { ChatTemplateSource } from "./template.js";

/** What the engine's process says of itself once the weights are loaded. */
export interface EngineIdentity {
  readonly digest: string;
  readonly description: string;
  readonly chatTemplate: ChatTemplateSource;
}

/** Requests as they travel: messages that several requests share are sent once. */
interface PackedRequests {
  readonly conversations: readonly (readonly Message[])[];
  readonly requests: readonly PackedRequest[];
}

interface PackedRequest extends Omit<CallRequest, "messages"> {
  readonly conversation: number;
}

/** From us to the engine's process; one `load`, `sample`, `count` or `embed` at a time. */
export type ToHost =
  | { readonly kind: "load"; readonly options: EngineOptions }
  | {
      readonly kind: "sample";
      readonly packed: PackedRequests;
      readonly adapter: Adapter | null;
      readonly width: number | null;
    }
  | { readonly kind: "count"; readonly texts: readonly string[] }
  | { readonly kind: "embed"; readonly texts: readonly string[] }
  /** No further request is to be begun; those under way are finished. */
  | { readonly kind: "drain" }
  | { readonly kind: "abort" };

interface SentError {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint: string;
}

/** What closes a `load`, `sample`, `count` or `embed`: exactly one of these. */
export type Closing =
  | { readonly kind: "ready"; readonly identity: EngineIdentity }
  | { readonly kind: "done" }
  | { readonly kind: "counts"; readonly counts: readonly number[] }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly error: SentError };

/** What comes before that. */
export type Passing =
  | { readonly kind: "loading" }
  | { readonly kind: "tokens"; readonly count: number }
  | { readonly kind: "result"; readonly index: number; readonly generation: Generation }
  | { readonly kind: "vector"; readonly index: number; readonly vector: readonly number[] };

export type FromHost = Closing | Passing;

/** The engine reads a prompt once for requests with one and the same array of messages. */
export function packRequests(requests: readonly CallRequest[]): PackedRequests {
  const places = new Map<readonly Message[], number>();
  const packed = requests.map(({ messages, ...rest }) => {
    const conversation = places.get(messages) ?? places.size;
    places.set(messages, conversation);
    return { conversation, ...rest };
  });
  return { conversations: [...places.keys()], requests: packed };
}

export function unpackRequests({ conversations, requests }: PackedRequests): CallRequest[] {
  return requests.map(({ conversation, ...rest }) => ({
    messages: conversations[conversation] as readonly Message[],
    ...rest,
  }));
}

/** An error as plain data; one that is none of ours keeps its stack, for whoever reports it. */
export function packError(error: unknown): SentError {
  if (error instanceof RedistillError) {
    const { kind, message, hint } = error;
    return { kind, message, hint };
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    kind: "internal",
    message: `unexpected error in the engine's process: ${trace}`,
    hint: "Please report this with the model's name.",
  };
}

export function unpackError({ kind, message, hint }: SentError): RedistillError {
  return new RedistillError(kind, message, hint);
}
