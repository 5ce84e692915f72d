import type { AIMessageChunk, UsageMetadata } from "@langchain/core/messages";
import type { Generation, TokenLogprob } from "../../core/entities.js";
import type { Watch } from "../remote/endpoint.js";
import { reasonIn, stopReasonOf } from "./stop-reason.js";

/** What a stream said, before it is known whether that is a whole answer. */
export interface Heard {
  text: string;
  reason: string | null;
  /** Null where the server does not count. */
  promptTokens: number | null;
  cachedTokens: number;
  completionTokens: number | null;
  logprobs: TokenLogprob[];
}

/** Reads a LangChain stream to its end; pieces of the answer and of thinking are signs of life. */
export async function readStream(
  stream: AsyncIterable<AIMessageChunk>,
  watch: Watch,
): Promise<Heard> {
  const heard: Heard = {
    ...{ text: "", reason: null, logprobs: [] },
    ...{ promptTokens: null, cachedTokens: 0, completionTokens: null },
  };
  let told = 0;
  for await (const chunk of stream) {
    const { text } = chunk;
    heard.text += text;
    const thinks = chunk.additional_kwargs.reasoning_content || chunk.content.length > 0;
    if (text !== "" || thinks) {
      watch.onTokens(1);
      told++;
    }
    heard.reason = reasonIn(chunk) ?? heard.reason;
    heard.logprobs.push(...logprobsIn(chunk.response_metadata.logprobs));
    // LangChain's types take it for undefined without a tool set.
    const usage = chunk.usage_metadata as UsageMetadata | undefined;
    if (usage === undefined) continue;
    // Providers tell it once, at the end, or prompt and answer in two chunks.
    heard.promptTokens = Math.max(heard.promptTokens ?? 0, usage.input_tokens);
    heard.completionTokens = Math.max(heard.completionTokens ?? 0, usage.output_tokens);
    heard.cachedTokens = Math.max(heard.cachedTokens, usage.input_token_details?.cache_read ?? 0);
  }
  watch.signal.throwIfAborted();
  const more = (heard.completionTokens ?? 0) - told;
  if (more > 0) watch.onTokens(more);
  return heard;
}

/**
 * The answer that a stream was.
 *
 * @param count Length of a text in tokens, for servers that do not say it.
 * @throws EndpointFault where it is not a whole answer.
 */
export async function generationOf(
  heard: Heard,
  prompt: string,
  startedMs: number,
  count: (texts: readonly string[]) => Promise<number[]>,
): Promise<Generation> {
  const stopReason = stopReasonOf(heard.reason);
  let { promptTokens, completionTokens } = heard;
  if (promptTokens === null || completionTokens === null) {
    [promptTokens, completionTokens] = (await count([prompt, heard.text])) as [number, number];
  }
  return {
    ...{ text: heard.text, stopReason, promptTokens, completionTokens },
    evaluatedPromptTokens: Math.max(0, promptTokens - heard.cachedTokens),
    durationMs: Math.round(performance.now() - startedMs),
    ...(heard.logprobs.length > 0 ? { logprobs: heard.logprobs } : {}),
  };
}

/** Of a chunk in the form of OpenAI's chat API. */
function logprobsIn(value: unknown): TokenLogprob[] {
  const content = (value as { content?: unknown } | null | undefined)?.content;
  if (!Array.isArray(content)) return [];
  return (content as (TokenLogprob & { top_logprobs?: TokenLogprob["top"] })[]).map((each) => ({
    token: each.token,
    logprob: each.logprob,
    top: (each.top_logprobs ?? []).map(({ token, logprob }) => ({ token, logprob })),
  }));
}
