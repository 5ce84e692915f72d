import { availableParallelism } from "node:os";
import {
  getLlama,
  type Llama,
  type LlamaContext,
  type LlamaGrammar,
  LlamaLogLevel,
  type Token,
} from "node-llama-cpp";
import { type Adapter, type CallRequest, isWholeModel, type Message } from "../../core/entities.js";
import { messageOf, RedistillError } from "../../core/errors.js";
import { sha256 } from "../../core/hash.js";
import type { SampleOptions } from "../../core/ports.js";
import { type DecodeRequest, decodeAll, type SequencePool } from "./decode.js";
import { embedAll } from "./embed.js";
import { grammarOf } from "./grammar.js";
import { LoadedWeights } from "./loaded-weights.js";
import { ChatTemplate, type ChatTemplateSource } from "./template.js";
import { ThreadGovernor } from "./threads.js";

export interface EngineOptions {
  readonly modelPath: string;
  /** sha256 of the GGUF file, already checked by the caller. */
  readonly modelSha256: string;
  /** Tokens that one sequence can hold, prompt and answer together. */
  readonly contextTokens: number;
  /** Answers written side by side. */
  readonly sequences: number;
  /** CPU threads; 0 lets the engine choose. */
  readonly threads: number;
  /** Evaluate one prompt once for all its samples. Off only to measure what it is worth. */
  readonly sharePrefixes?: boolean;
}

interface OpenContext {
  readonly value: LlamaContext;
  readonly pool: SequencePool;
  readonly adapter: string | null;
  readonly tokens: number;
  /** Answers that it can write side by side. */
  readonly width: number;
}

/** A conversation as the loop has them: what a template refuses here it would refuse mid-run. */
const everyRole: Message[] = [
  { role: "system", content: "a" },
  { role: "user", content: "b" },
  { role: "assistant", content: "c" },
  { role: "user", content: "d" },
];

/** Grow contexts in steps, so that prompts of slightly different length share one. */
const contextStep = 256;

/** llama.cpp in this process: one model, one context at a time, with or without trained weights. */
export class EmbeddedEngine {
  readonly digest: string;
  readonly description: string;
  readonly chatTemplate: ChatTemplateSource;
  private readonly template: ChatTemplate;
  private readonly threads: number;
  private readonly governor: ThreadGovernor;
  /** The same for texts that are read for their vectors. */
  private readonly reading: ThreadGovernor;
  private context: OpenContext | null = null;

  private constructor(
    private readonly llama: Llama,
    private readonly weights: LoadedWeights,
    private readonly options: EngineOptions,
    templateText: string,
  ) {
    const { model } = weights;
    const { bosString, eosString } = model.tokens;
    this.chatTemplate = { text: templateText, bos: bosString ?? "", eos: eosString ?? "" };
    this.template = new ChatTemplate(this.chatTemplate);
    // node-llama-cpp would take 4 threads even on 2 cores, which then wait for each other.
    const cores = Math.max(1, Math.min(llama.cpuMathCores, availableParallelism()));
    this.threads = options.threads > 0 ? options.threads : cores;
    this.governor = new ThreadGovernor(this.threads);
    this.reading = new ThreadGovernor(this.threads);
    this.digest = sha256({
      weights: options.modelSha256,
      template: sha256(templateText),
      engine: `llama.cpp ${llama.llamaCppRelease.release}`,
      device: String(llama.gpu),
    });
    this.description = `${model.filename ?? options.modelPath} on ${llama.gpu || "cpu"}`;
  }

  /**
   * Loads the weights.
   *
   * @param onProgress Called now and then while they are read, and while trained ones take their place.
   * @throws RedistillError `model` when the file is not a model that llama.cpp can run or has no
   * chat template.
   */
  static async load(options: EngineOptions, onProgress?: () => void): Promise<EmbeddedEngine> {
    const llama = await openLlama();
    const onLoading = () => onProgress?.();
    const weights = await LoadedWeights.ofBase(llama, options.modelPath, onLoading);
    const template = weights.model.fileInfo.metadata.tokenizer.chat_template;
    if (template === undefined || template === "") {
      await weights.dispose();
      throw new RedistillError(
        "model",
        `${options.modelPath} has no chat template (tokenizer.chat_template)`,
        "Use an instruction-tuned model; a base model does not know where an answer ends.",
      );
    }
    try {
      const engine = new EmbeddedEngine(llama, weights, options, template);
      engine.render(everyRole);
      return engine;
    } catch (cause) {
      await weights.dispose();
      throw new RedistillError(
        "model",
        `the chat template of ${options.modelPath} does not take a conversation with a system message: ${messageOf(cause)}`,
        "Use a model whose template takes system, user and assistant messages.",
        { cause },
      );
    }
  }

  render(messages: readonly Message[]): string {
    return this.template.render(messages);
  }

  tokenize(text: string): Token[] {
    return this.weights.model.tokenize(text, true);
  }

  /** Answers every request; see ChatModel.sample. */
  async sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void> {
    if (requests.length === 0) return;
    const rendered = new Map<readonly Message[], { prompt: Token[]; prefixLength: number }>();
    const grammars = await this.grammarsOf(requests);
    const decodes: DecodeRequest[] = requests.map((request, index) => {
      let prompt = rendered.get(request.messages);
      if (prompt === undefined) {
        prompt = this.promptOf(request.messages);
        rendered.set(request.messages, prompt);
      }
      const { sampling, topLogprobs = 0, schema } = request;
      const grammar = (schema && grammars.get(schema)) ?? null;
      return { index, ...prompt, sampling, topLogprobs, grammar };
    });
    const needed = Math.max(...decodes.map((d) => d.prompt.length + d.sampling.maxTokens));
    const width = Math.min(options.width ?? this.options.sequences, this.options.sequences);
    const { pool } = await this.contextFor(options.adapter, needed, width);
    await decodeAll(this.weights.model, pool, decodes, {
      ...options,
      sharePrefixes: this.options.sharePrefixes ?? true,
      pace: this.paceOf(this.governor),
    });
  }

  /** Vectors of texts by the base weights; see `embedAll`. The context of answers is closed before. */
  async embed(
    texts: readonly string[],
    how: { readonly signal: AbortSignal; onVector(index: number, vector: Float32Array): void },
  ): Promise<void> {
    if (texts.length === 0) return;
    await this.makeRoomFor(null);
    const { model } = this.weights;
    try {
      await embedAll(
        model,
        texts.map((text) => this.tokenize(text)),
        { ...how, threads: this.threads, limit: this.limit, pace: this.paceOf(this.reading) },
      );
    } catch (cause) {
      how.signal.throwIfAborted();
      if (cause instanceof RedistillError) throw cause;
      throw new RedistillError(
        "model",
        `${this.description} gives no vectors of texts: ${messageOf(cause)}`,
        "Set longTerm.retrieval: text in the recipe, or name another model in longTerm.embedder.",
        { cause },
      );
    }
  }

  /** What holds answers to the requests' schemas. */
  private async grammarsOf(requests: readonly CallRequest[]) {
    const grammars = new Map<NonNullable<CallRequest["schema"]>, LlamaGrammar>();
    for (const { schema } of requests) {
      if (schema === undefined || grammars.has(schema)) continue;
      grammars.set(schema, await this.llama.createGrammar({ grammar: grammarOf(schema) }));
    }
    return grammars;
  }

  /** A prompt's tokens, and how many of them come before the last message's content. */
  private promptOf(messages: readonly Message[]): { prompt: Token[]; prefixLength: number } {
    const prompt = this.tokenize(this.render(messages));
    const empty = messages.map((m, i) => (i === messages.length - 1 ? { ...m, content: "" } : m));
    const frame = this.tokenize(this.render(empty));
    let prefixLength = 0;
    // The last token is evaluated with the answer, and no part is one token alone: see step in decode.ts.
    while (
      prefixLength < Math.min(prompt.length, frame.length) - 3 &&
      prompt[prefixLength] === frame[prefixLength]
    ) {
      prefixLength++;
    }
    return { prompt, prefixLength };
  }

  /** A context with the adapter or whole model loaded and room for `needed` tokens a sequence; the last is reused. */
  private async contextFor(
    adapter: Adapter | null,
    needed: number,
    width: number,
  ): Promise<OpenContext> {
    const { limit } = this;
    if (needed > limit) {
      throw new RedistillError(
        "model",
        `a prompt and its answer need ${needed} tokens; a sequence has ${limit}`,
        limit < this.options.contextTokens
          ? `The model itself was trained for ${limit} tokens: shorten the task or use another model.`
          : "Raise model.contextTokens in the recipe, or lower maxTokens, or shorten the task.",
      );
    }
    const sha = adapter?.sha256 ?? null;
    const open = this.context;
    if (open && open.adapter === sha && open.tokens >= needed && open.width === width) return open;
    await this.makeRoomFor(adapter);
    const tokens = Math.min(limit, Math.ceil(needed / contextStep) * contextStep);
    try {
      const value = await this.weights.model.createContext({
        // Three more than write answers; see SequencePool.
        sequences: width + 3,
        contextSize: tokens,
        batchSize: Math.max(512, tokens),
        threads: this.threads,
        ...(adapter && !isWholeModel(adapter) ? { lora: adapter.ggufPath } : {}),
      });
      const pool = {
        common: value.getSequence(),
        group: value.getSequence(),
        padding: value.getSequence(),
        slots: Array.from({ length: width }, () => value.getSequence()),
      };
      this.context = { value, pool, adapter: sha, tokens, width };
      return this.context;
    } catch (cause) {
      throw new RedistillError(
        "model",
        `cannot open a context of ${width} × ${tokens} tokens${adapter ? ` with adapter ${adapter.ggufPath}` : ""}: ${messageOf(cause)}`,
        adapter
          ? "Check that the adapter was trained on these weights; otherwise lower model.sequences or model.contextTokens."
          : "Lower model.sequences or model.contextTokens in the recipe.",
        { cause },
      );
    }
  }

  /** Closes the context that is open and has the weights for an adapter (null: the base) in memory. */
  private async makeRoomFor(adapter: Adapter | null): Promise<void> {
    await this.context?.value.dispose();
    this.context = null;
    if (!this.weights.fits(adapter)) await this.weights.change(adapter);
  }

  /** Tokens that one sequence can hold. */
  private get limit(): number {
    return Math.min(this.options.contextTokens, this.weights.model.trainContextSize);
  }

  private paceOf(governor: ThreadGovernor) {
    return {
      begin: () => {
        if (this.llama.gpu === false) this.llama.maxThreads = governor.wanted;
      },
      end: (milliseconds: number, tokens: number) => governor.observe(milliseconds, tokens),
    };
  }

  async dispose(): Promise<void> {
    await this.context?.value.dispose();
    this.context = null;
    await this.weights.dispose();
    if (!this.weights.failed) await this.llama.dispose();
  }
}

/** Whether llama.cpp's ready-made binary loads on this machine: its release, and what it runs on. */
export async function probeEngine(): Promise<{ release: string; device: string }> {
  const llama = await openLlama();
  const found = { release: llama.llamaCppRelease.release, device: llama.gpu || "cpu" };
  await llama.dispose();
  return found;
}

function openLlama(): Promise<Llama> {
  return getLlama({ logLevel: LlamaLogLevel.error, build: "never" }).catch((cause) => {
    throw new RedistillError(
      "setup",
      `node-llama-cpp has no ready-made binary for ${process.platform} ${process.arch}: ${messageOf(cause)}`,
      "Run `npm ci` again without --omit=optional; the binaries are optional packages.",
      { cause },
    );
  });
}
