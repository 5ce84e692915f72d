import type { ChatResponse, Logprob } from "ollama";
import type { CallRequest, Generation, StopReason, TokenLogprob } from "../../core/entities.js";
import { EndpointFault, type Watch } from "../remote/endpoint.js";
import { asFault, endedEarly } from "./http.js";
import { chatRequest, type Target } from "./request.js";
import type { OllamaServer } from "./server.js";

/**
 * After so many equal pieces in a row Ollama ends an answer without a last line (`llm/server.go`: more
 * than 30; the first may be counted before it is sent). Asked again, it would end it there again.
 */
const repeatLimit = 30;

/** The pieces of one answer so far. */
class Pieces {
  readonly texts: string[] = [];
  readonly logprobs: TokenLogprob[] = [];

  add({ message, logprobs }: ChatResponse): void {
    if (message?.content) this.texts.push(message.content);
    this.logprobs.push(...(logprobs ?? []).map(asTokenLogprob));
  }

  get text(): string {
    return this.texts.join("");
  }

  /** Whether the end is one piece over and over, as Ollama compares them. */
  get endless(): boolean {
    const last = this.texts.slice(-repeatLimit).map((text) => text.trim());
    return last.length === repeatLimit && new Set(last).size === 1;
  }
}

/**
 * One streamed answer of /api/chat.
 *
 * @throws EndpointFault
 */
export async function streamAnswer(
  server: OllamaServer,
  target: Target,
  request: CallRequest,
  watch: Watch,
): Promise<Generation> {
  const began = performance.now();
  const pieces = new Pieces();
  const body = { ...chatRequest(target, request), stream: true as const };
  let last: ChatResponse | null = null;
  try {
    const stream = await server.client(watch.signal).chat(body);
    for await (const part of stream) {
      pieces.add(part);
      watch.onTokens(part.done ? 0 : 1);
      if (part.done) last = part;
    }
  } catch (error) {
    const fault = asFault(error, watch.signal);
    if (!(endedEarly(error) && pieces.endless)) throw fault;
  }
  return generationOf(pieces, last, request, performance.now() - began);
}

function generationOf(
  pieces: Pieces,
  last: ChatResponse | null,
  request: CallRequest,
  durationMs: number,
): Generation {
  const promptTokens = last?.prompt_eval_count ?? 0;
  const logprobs = request.topLogprobs === undefined ? {} : { logprobs: pieces.logprobs };
  return {
    text: pieces.text,
    stopReason: last === null ? "length" : stopReasonOf(last),
    promptTokens,
    evaluatedPromptTokens: promptTokens,
    completionTokens: last?.eval_count ?? pieces.texts.length,
    durationMs,
    ...logprobs,
  };
}

/** @throws EndpointFault for a reason that says nothing of a finished answer. */
function stopReasonOf({ done_reason: reason }: ChatResponse): StopReason {
  if (reason === "stop") return "end";
  if (reason === "length") return "length";
  throw new EndpointFault("unavailable", `the answer ended for the reason ${String(reason)}`);
}

function asTokenLogprob({ token, logprob, top_logprobs: top }: Logprob): TokenLogprob {
  return {
    token,
    logprob,
    top: (top ?? []).map((each) => ({ token: each.token, logprob: each.logprob })),
  };
}
