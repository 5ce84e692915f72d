import type { ChatRequest, Options } from "ollama";
import type { CallRequest, Sampling } from "../../core/entities.js";

/** What is the same in all requests to one model: another `num_ctx` makes Ollama load it again. */
export interface Target {
  readonly model: string;
  readonly contextTokens: number;
  readonly keepAlive: string;
}

/** Fields that servers read and the client's types do not have. */
export type FullChatRequest = ChatRequest & {
  readonly truncate: false;
  readonly shift: false;
  readonly _debug_render_only?: true;
};

/** Every number that a server or a model's file would otherwise fill in with one of its own. */
export function optionsOf(sampling: Sampling, contextTokens: number): Partial<Options> {
  return {
    num_ctx: contextTokens,
    num_predict: sampling.maxTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    typical_p: 1,
    seed: sampling.seed,
    repeat_penalty: 1,
    repeat_last_n: 0,
    presence_penalty: 0,
    frequency_penalty: 0,
  };
}

/**
 * The body of /api/chat. `truncate` and `shift` are off: a prompt that does not fit is to be refused,
 * not cut, and an answer that fills the context is to end, not to forget its beginning. `think` is
 * off, since thoughts would use up the answer's tokens unseen.
 */
export function chatRequest(target: Target, request: CallRequest): FullChatRequest {
  const { messages, sampling, schema, topLogprobs } = request;
  return {
    model: target.model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    options: optionsOf(sampling, target.contextTokens),
    keep_alive: target.keepAlive,
    think: false,
    truncate: false,
    shift: false,
    ...(schema === undefined ? {} : { format: schema }),
    ...(topLogprobs === undefined ? {} : { logprobs: true, top_logprobs: topLogprobs }),
  };
}
