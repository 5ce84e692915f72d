import type { CallRequest, Generation, Message } from "../../core/entities.js";
import { EndpointFault, type Watch } from "../remote/endpoint.js";
import { streamAnswer } from "./answer.js";
import { chatRequest, type FullChatRequest, type Target } from "./request.js";
import type { OllamaServer } from "./server.js";

/** What this version of the server does, found out by asking it. */
export interface Abilities {
  readonly schema: boolean;
  readonly topLogprobs: number;
  /** A prompt asked twice has the same `prompt_eval_count`, though the second time it is cached. */
  readonly countsCachedPrompts: boolean;
  /** A prompt longer than the context is refused, as `truncate: false` asks. */
  readonly refusesLongPrompts: boolean;
  /** Requests that it answers side by side. */
  readonly parallel: number;
  /** A prompt, and its length as the server reports it. */
  readonly sample: { readonly messages: readonly Message[]; readonly promptTokens: number };
}

/** Ollama's own limit of `top_logprobs`. */
const mostTopLogprobs = 20;

const ask = (content: string, maxTokens: number, more: Partial<CallRequest> = {}): CallRequest => ({
  messages: [{ role: "user", content }],
  sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens, seed: 0 },
  ...more,
});

/** Asks about a dozen short questions; the first one loads the model. */
export async function probe(
  server: OllamaServer,
  target: Target,
  most: number,
  signal: AbortSignal,
): Promise<Abilities> {
  const watch: Watch = { signal, onTokens() {} };
  const answer = (request: CallRequest) => streamAnswer(server, target, request, watch);
  const question = ask("Say a word.", 1, { topLogprobs: mostTopLogprobs });
  const first = await answer(question);
  const second = await answer(question);
  return {
    schema: await holdsToSchema(answer),
    topLogprobs: second.logprobs?.[0]?.top.length ?? 0,
    countsCachedPrompts: first.promptTokens > 0 && first.promptTokens === second.promptTokens,
    refusesLongPrompts: await refusesLongPrompts(answer, target),
    parallel: await countParallel(server, target, most, signal),
    sample: { messages: question.messages, promptTokens: first.promptTokens },
  };
}

/** A model would hardly say this word by itself. */
async function holdsToSchema(answer: (request: CallRequest) => Promise<Generation>) {
  const word = "zyx";
  const schema = { type: "object", properties: { a: { const: word } }, required: ["a"] };
  const { text } = await answer(ask("Say a word.", 24, { schema }));
  return text.includes(word);
}

/** Each word is at least one token. */
async function refusesLongPrompts(
  answer: (request: CallRequest) => Promise<Generation>,
  { contextTokens }: Target,
): Promise<boolean> {
  try {
    await answer(ask("word ".repeat(contextTokens + 8), 1));
    return false;
  } catch (error) {
    if (error instanceof EndpointFault && error.trouble === "refused") return true;
    throw error;
  }
}

/**
 * How many of `most` requests sent together are answered together: those that have begun when the
 * first one is done. Ollama says nowhere what OLLAMA_NUM_PARALLEL is.
 */
async function countParallel(
  server: OllamaServer,
  target: Target,
  most: number,
  signal: AbortSignal,
): Promise<number> {
  const enough = new AbortController();
  const both = AbortSignal.any([signal, enough.signal]);
  let begun = 0;
  let counted = 0;
  const one = async (place: number) => {
    let waiting = true;
    const onTokens = () => {
      if (waiting) begun++;
      waiting = false;
    };
    await streamAnswer(server, target, ask(`Count on from ${place}.`, 12), {
      signal: both,
      onTokens,
    });
    counted ||= begun;
    enough.abort();
  };
  const ends = await Promise.allSettled(Array.from({ length: most }, (_, place) => one(place)));
  signal.throwIfAborted();
  if (counted > 0) return counted;
  // Not one was answered: the reason is the first one's.
  throw (ends.find((end) => end.status === "rejected") as PromiseRejectedResult).reason;
}

/** Has the server render a conversation, as its debug option does since version 0.12; else null. */
export async function renderOnServer(
  server: OllamaServer,
  target: Target,
  messages: readonly Message[],
  signal: AbortSignal,
): Promise<string | null> {
  const body: FullChatRequest = {
    ...chatRequest(target, { ...ask("", 1), messages }),
    _debug_render_only: true,
  };
  const said = await server.ask(signal, (client) => client.chat({ ...body, stream: false }));
  const debug = (said as { _debug_info?: { rendered_template?: unknown } })._debug_info;
  return typeof debug?.rendered_template === "string" ? debug.rendered_template : null;
}
