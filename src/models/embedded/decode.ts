import type { LlamaContextSequence, LlamaModel, Token } from "node-llama-cpp";
import type { Generation, Sampling } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";

export interface DecodeRequest {
  readonly index: number;
  readonly prompt: Token[];
  /** Tokens before the last message's content: what other prompts may share. */
  readonly prefixLength: number;
  readonly sampling: Sampling;
}

interface DecodeOptions {
  readonly signal: AbortSignal;
  readonly sharePrefixes: boolean;
  /** Sets the number of threads for the next step, and hears how long it took. */
  readonly pace: { begin(): void; end(milliseconds: number, tokens: number): void };
  onResult(index: number, generation: Generation): void;
  onTokens?(count: number): void;
}

interface ActiveAnswer {
  readonly request: DecodeRequest;
  readonly sequence: LlamaContextSequence;
  readonly tokens: ReturnType<LlamaContextSequence["evaluate"]>;
  readonly answer: Token[];
  readonly evaluated: number;
  readonly startedAt: number;
}

/** The sequences of one context: two that hold shared prefixes, the others write answers. */
export interface SequencePool {
  readonly common: LlamaContextSequence;
  readonly group: LlamaContextSequence;
  readonly slots: readonly LlamaContextSequence[];
}

/**
 * Writes all answers with continuous batching: a slot whose answer ends takes the next request at
 * once. Slots step together, so that every step is one full llama.cpp batch and the order of the
 * work, hence every sampled token, depends on the requests alone and not on timing.
 */
export async function decodeAll(
  model: LlamaModel,
  pool: SequencePool,
  requests: readonly DecodeRequest[],
  options: DecodeOptions,
): Promise<void> {
  const prefixes = new SharedPrefixes(pool, options.sharePrefixes);
  const free = [...pool.slots];
  const waiting = [...requests];
  let active: ActiveAnswer[] = [];
  try {
    while (waiting.length > 0 || active.length > 0) {
      options.signal.throwIfAborted();
      while (free.length > 0 && waiting.length > 0) {
        const slot = free.shift() as LlamaContextSequence;
        active.push(await begin(waiting.shift() as DecodeRequest, slot, prefixes));
      }
      options.pace.begin();
      const stepStarted = performance.now();
      const sampled = await Promise.all(active.map((a) => a.tokens.next()));
      // Every answer takes one token a step: prompts are evaluated before.
      options.pace.end(performance.now() - stepStarted, active.length);
      options.onTokens?.(active.length);
      const still: ActiveAnswer[] = [];
      for (const [position, answer] of active.entries()) {
        const token = sampled[position]?.value;
        if (token === undefined) throw unexpectedEnd();
        const ended = model.isEogToken(token);
        // The end-of-turn token counts: it was sampled, and maxTokens bounds what is sampled.
        answer.answer.push(token);
        if (!ended && answer.answer.length < answer.request.sampling.maxTokens) {
          still.push(answer);
          continue;
        }
        await answer.tokens.return();
        free.push(answer.sequence);
        options.onResult(answer.request.index, {
          text: model.detokenize(ended ? answer.answer.slice(0, -1) : answer.answer),
          stopReason: ended ? "end" : "length",
          promptTokens: answer.request.prompt.length,
          evaluatedPromptTokens: answer.evaluated,
          completionTokens: answer.answer.length,
          durationMs: performance.now() - answer.startedAt,
        });
      }
      active = still;
    }
  } finally {
    await Promise.allSettled(active.map((a) => a.tokens.return()));
  }
}

async function begin(
  request: DecodeRequest,
  sequence: LlamaContextSequence,
  prefixes: SharedPrefixes,
): Promise<ActiveAnswer> {
  const startedAt = performance.now();
  const { rest, evaluated } = await prefixes.load(request, sequence);
  const { temperature, topP, topK, minP, seed } = request.sampling;
  const tokens = sequence.evaluate(rest, {
    temperature,
    topP,
    topK,
    minP,
    seed,
    yieldEogToken: true,
  });
  return { request, sequence, tokens, answer: [], evaluated, startedAt };
}

/** The part of node-llama-cpp's sequence that copies one sequence's cells to another. */
interface CopyableSequence {
  _copyStateFromOtherSequence(other: LlamaContextSequence, upToToken: number): Promise<boolean>;
}

/**
 * What prompts have in common is evaluated once: their beginning up to the last message, and the
 * whole prompt for all its samples. Each prompt is cut at places that it alone determines and its
 * parts are evaluated by themselves, since how a prompt is cut shows in the last bits of the logits:
 * a resumed stage, which asks for fewer answers at once, must sample the same tokens.
 */
class SharedPrefixes {
  private commonTokens: Token[] | null = null;
  private groupPrompt: Token[] | null = null;

  constructor(
    private readonly pool: SequencePool,
    private readonly enabled: boolean,
  ) {}

  /** Brings `sequence` to the prompt but for `rest`, its last token: its logits are needed. */
  async load(
    { prompt, prefixLength }: DecodeRequest,
    sequence: LlamaContextSequence,
  ): Promise<{ rest: Token[]; evaluated: number }> {
    if (!this.enabled) this.forget();
    const { group } = this.pool;
    let evaluated = 1;
    if (this.groupPrompt !== prompt) {
      evaluated += await this.loadCommon(prompt.slice(0, prefixLength));
      await group.clearHistory();
      if (prefixLength > 0) await copy(this.pool.common, group, prefixLength);
      const own = prompt.slice(prefixLength, -1);
      if (own.length > 0) await group.evaluateWithoutGeneratingNewTokens(own);
      this.groupPrompt = prompt;
      evaluated += own.length;
    }
    await sequence.clearHistory();
    if (prompt.length > 1) await copy(group, sequence, prompt.length - 1);
    return { rest: prompt.slice(-1), evaluated };
  }

  /** Evaluates a beginning unless it is there already; the number of tokens evaluated. */
  private async loadCommon(tokens: Token[]): Promise<number> {
    const known = this.commonTokens;
    if (known?.length === tokens.length && known.every((token, i) => token === tokens[i])) return 0;
    await this.pool.common.clearHistory();
    if (tokens.length > 0) await this.pool.common.evaluateWithoutGeneratingNewTokens(tokens);
    this.commonTokens = tokens;
    return tokens.length;
  }

  private forget(): void {
    this.commonTokens = null;
    this.groupPrompt = null;
  }
}

async function copy(
  from: LlamaContextSequence,
  to: LlamaContextSequence,
  tokens: number,
): Promise<void> {
  // Internal to node-llama-cpp 3.22 (pinned): the public way is a round trip through a file.
  const copied = await (to as unknown as CopyableSequence)._copyStateFromOtherSequence(
    from,
    tokens,
  );
  if (!copied) {
    throw new RedistillError(
      "internal",
      "llama.cpp could not copy a shared prompt between sequences",
      "Please report this with the model's name.",
    );
  }
}

function unexpectedEnd(): RedistillError {
  return new RedistillError(
    "internal",
    "llama.cpp ended an answer without a token",
    "Please report this with the model's name.",
  );
}
