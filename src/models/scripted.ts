import type { CallRequest, Message, TokenLogprob } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import { sha256 } from "../core/hash.js";
import type { ChatModel, ModelCapabilities, SampleOptions } from "../core/ports.js";

/** Decides the answer to one request; the adapter's sha256 tells trained weights from base ones. */
export type Script = (request: CallRequest, adapter: string | null) => string;

/**
 * A model that answers from a function: for tests of loops and recipes, never for a result.
 * Its answers depend on the request alone, so that a repeated run gives the same rows.
 *
 * @example
 * const model = new ScriptedChatModel("echo", (request) => request.messages.at(-1)?.content ?? "");
 */
export class ScriptedChatModel implements ChatModel {
  readonly digest: string;
  readonly description: string;
  readonly capabilities: ModelCapabilities = {
    adapters: true,
    deterministic: true,
    schema: false,
    topLogprobs: 20,
  };
  /** Every request that was really answered, in order: what a run paid for. */
  readonly ledger: { request: CallRequest; adapter: string | null }[] = [];

  constructor(
    name: string,
    private readonly script: Script,
  ) {
    this.digest = sha256({ scripted: name });
    this.description = `scripted model ${name}`;
  }

  render(messages: readonly Message[]): string {
    return messages.map(({ role, content }) => `<${role}>${content}</${role}>`).join("");
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    return texts.map(words);
  }

  async sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void> {
    const adapter = options.adapter?.sha256 ?? null;
    for (const [index, request] of requests.entries()) {
      options.signal.throwIfAborted();
      if (options.drain?.aborted) return;
      const text = this.script(request, adapter);
      if (typeof text !== "string") {
        throw new RedistillError(
          "model",
          `the script gave no answer to ${JSON.stringify(request.messages)}`,
          "Return a string for every request.",
        );
      }
      this.ledger.push({ request, adapter });
      const promptTokens = words(this.render(request.messages));
      const completionTokens = Math.max(1, words(text));
      options.onTokens?.(completionTokens);
      options.onResult(index, {
        text,
        stopReason: "end",
        promptTokens,
        evaluatedPromptTokens: promptTokens,
        completionTokens,
        durationMs: 1,
        ...(request.topLogprobs === undefined ? {} : { logprobs: certain(text) }),
      });
      // Let the caller's commits and timers run, as a real engine would.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async dispose(): Promise<void> {}
}

/** Each word as a token that nothing else could have taken the place of. */
function certain(text: string): TokenLogprob[] {
  const tokens = text.split(/(?<=\s)(?=\S)/);
  return tokens.map((token) => ({ token, logprob: 0, top: [{ token, logprob: 0 }] }));
}

function words(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}
