import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
} from "@langchain/core/language_models/chat_models";
import type { ChatResult } from "@langchain/core/outputs";
import { AIMessage, type BaseMessage } from "langchain";
import type { Adapter, CallRequest, Generation, Message, Sampling } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import type { ChatModel, Embedder, ModelCapabilities, SampleOptions } from "../../core/ports.js";
import { embeddedCapabilities, lastStateDigest } from "./capabilities.js";
import { EmbeddedEngine, type EngineOptions } from "./engine.js";

export interface EmbeddedCallOptions extends BaseChatModelCallOptions {
  readonly sampling?: Partial<Sampling>;
  readonly adapter?: Adapter | null;
}

interface PendingCall {
  readonly request: CallRequest;
  readonly adapter: Adapter | null;
  readonly signal: AbortSignal | undefined;
  resolve(generation: Generation): void;
  reject(error: unknown): void;
}

const defaultSampling: Sampling = {
  temperature: 0,
  topP: 1,
  topK: 0,
  minP: 0,
  maxTokens: 256,
  seed: 0,
};

/**
 * A local GGUF model as a LangChain chat model. `invoke`, `batch` and chains work as with any other;
 * calls made at the same time are decoded together. The loop itself uses `sample`, which takes a
 * whole stage at once.
 *
 * @example
 * const model = await EmbeddedChatModel.load({ modelPath, modelSha256, contextTokens: 1024, sequences: 8, threads: 0 });
 * const answer = await model.invoke("Name a colour.", { sampling: { maxTokens: 16 } });
 */
export class EmbeddedChatModel extends BaseChatModel<EmbeddedCallOptions> implements ChatModel {
  private pending: PendingCall[] = [];
  private queue: Promise<void> = Promise.resolve();

  private constructor(private readonly engine: EmbeddedEngine) {
    super({});
  }

  static async load(options: EngineOptions): Promise<EmbeddedChatModel> {
    return new EmbeddedChatModel(await EmbeddedEngine.load(options));
  }

  get digest(): string {
    return this.engine.digest;
  }

  get description(): string {
    return this.engine.description;
  }

  get capabilities(): ModelCapabilities {
    return embeddedCapabilities;
  }

  override _llmType(): string {
    return "redistill-embedded";
  }

  render(messages: readonly Message[]): string {
    return this.engine.render(messages);
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    return texts.map((text) => this.engine.tokenize(text).length);
  }

  get embedder(): Embedder {
    return {
      digest: lastStateDigest(this.digest),
      description: `last hidden state of ${this.description}`,
      embed: async (texts, signal) => {
        const vectors: Float32Array[] = [];
        await this.inTurn(() =>
          this.engine.embed(texts, {
            signal,
            onVector: (index, vector) => {
              vectors[index] = vector;
            },
          }),
        );
        return vectors;
      },
    };
  }

  /** See ChatModel.sample; calls wait for each other, since a context runs one batch at a time. */
  sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void> {
    return this.inTurn(() => this.engine.sample(requests, options));
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.queue.then(work);
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    if (options.stop !== undefined && options.stop.length > 0) {
      throw new RedistillError(
        "model",
        "the embedded model ends its answers at the end of the turn and takes no `stop`",
        "Leave `stop` out and cut the answer yourself.",
      );
    }
    const generation = await new Promise<Generation>((resolve, reject) => {
      this.pending.push({
        request: {
          messages: messages.map(toMessage),
          sampling: { ...defaultSampling, ...options.sampling },
        },
        adapter: options.adapter ?? null,
        signal: options.signal,
        resolve,
        reject,
      });
      // Calls of the same tick are decoded as one batch.
      if (this.pending.length === 1) setImmediate(() => this.flush());
    });
    await runManager?.handleLLMNewToken(generation.text);
    const usage = {
      input_tokens: generation.promptTokens,
      output_tokens: generation.completionTokens,
      total_tokens: generation.promptTokens + generation.completionTokens,
    };
    // Assigned, since LangChain's types take usage_metadata for undefined without a tool set.
    const message = Object.assign(new AIMessage(generation.text), { usage_metadata: usage });
    const generationInfo = { stop_reason: generation.stopReason };
    return {
      generations: [{ text: generation.text, message, generationInfo }],
      llmOutput: { tokenUsage: usage },
    };
  }

  private flush(): void {
    const calls = this.pending;
    this.pending = [];
    for (const group of batches(calls)) {
      this.sample(
        group.map((call) => call.request),
        {
          adapter: group[0]?.adapter ?? null,
          signal: group[0]?.signal ?? new AbortController().signal,
          onResult: (index, generation) => group[index]?.resolve(generation),
        },
      ).catch((error) => {
        for (const call of group) call.reject(error);
      });
    }
  }

  async dispose(): Promise<void> {
    await this.queue;
    await this.engine.dispose();
  }
}

/** Calls that may share a batch: of one adapter, and stopped by the same signal or by none. */
function batches(calls: readonly PendingCall[]): PendingCall[][] {
  const groups: PendingCall[][] = [];
  for (const call of calls) {
    const fits = groups.find(
      ([first]) => first?.adapter?.sha256 === call.adapter?.sha256 && first?.signal === call.signal,
    );
    if (fits) fits.push(call);
    else groups.push([call]);
  }
  return groups;
}

function toMessage(message: BaseMessage): Message {
  const role = { system: "system", human: "user", ai: "assistant" }[message.getType() as string];
  if (role === undefined || typeof message.content !== "string") {
    throw new RedistillError(
      "model",
      `the embedded model cannot read a ${message.getType()} message${typeof message.content === "string" ? "" : " whose content is not text"}`,
      "Send system, human and AI messages with text only.",
    );
  }
  return { role: role as Message["role"], content: message.content };
}
