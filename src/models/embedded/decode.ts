import type { LlamaContextSequence, LlamaModel, Token } from "node-llama-cpp";
import type { Generation, Sampling } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";

export interface DecodeRequest {
  readonly index: number;
  readonly prompt: Token[];
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
  /** Prompt tokens that its first step evaluates. */
  readonly rest: number;
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
  const prefixes = new SharedPrefixes(pool, requests, options.sharePrefixes);
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
      const tokens = active.reduce((sum, { answer, rest }) => sum + (answer.length ? 1 : rest), 0);
      options.pace.begin();
      const stepStarted = performance.now();
      const sampled = await Promise.all(active.map((a) => a.tokens.next()));
      options.pace.end(performance.now() - stepStarted, tokens);
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
  const { rest, evaluated } = await prefixes.load(request.prompt, sequence);
  const { temperature, topP, topK, minP, seed } = request.sampling;
  const tokens = sequence.evaluate(rest, {
    temperature,
    topP,
    topK,
    minP,
    seed,
    yieldEogToken: true,
  });
  return { request, sequence, tokens, answer: [], rest: rest.length, evaluated, startedAt };
}

/** The part of node-llama-cpp's sequence that copies one sequence's cells to another. */
interface CopyableSequence {
  _copyStateFromOtherSequence(other: LlamaContextSequence, upToToken: number): Promise<boolean>;
}

/**
 * What prompts have in common is evaluated once: the beginning that all requests share, and the
 * whole prompt of those that are sampled more than once.
 */
class SharedPrefixes {
  private readonly commonTokens: Token[];
  private readonly timesUsed = new Map<Token[], number>();
  private commonReady = false;
  private groupPrompt: Token[] | null = null;

  constructor(
    private readonly pool: SequencePool,
    requests: readonly DecodeRequest[],
    private readonly enabled: boolean,
  ) {
    for (const { prompt } of requests) {
      this.timesUsed.set(prompt, (this.timesUsed.get(prompt) ?? 0) + 1);
    }
    this.commonTokens = sharedBeginning([...this.timesUsed.keys()]);
  }

  /** Brings `sequence` to the prompt but for `rest`, which is never empty: its logits are needed. */
  async load(
    prompt: Token[],
    sequence: LlamaContextSequence,
  ): Promise<{ rest: Token[]; evaluated: number }> {
    await sequence.clearHistory();
    if (!this.enabled) return { rest: prompt, evaluated: prompt.length };
    let evaluated = 0;
    const single = this.timesUsed.get(prompt) === 1;
    const { common, group } = this.pool;
    if (this.commonTokens.length > 0 && !this.commonReady) {
      await common.clearHistory();
      await common.evaluateWithoutGeneratingNewTokens(this.commonTokens);
      this.commonReady = true;
      evaluated += this.commonTokens.length;
    }
    if (single) {
      if (this.commonReady) await copy(common, sequence, this.commonTokens.length);
      const rest = prompt.slice(this.commonTokens.length);
      return { rest, evaluated: evaluated + rest.length };
    }
    const shared = prompt.length - 1;
    if (this.groupPrompt !== prompt) {
      await group.clearHistory();
      if (this.commonReady) await copy(common, group, this.commonTokens.length);
      const own = prompt.slice(this.commonTokens.length, shared);
      if (own.length > 0) await group.evaluateWithoutGeneratingNewTokens(own);
      this.groupPrompt = prompt;
      evaluated += own.length;
    }
    if (shared > 0) await copy(group, sequence, shared);
    return { rest: prompt.slice(shared), evaluated: evaluated + 1 };
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

/** The longest beginning of all prompts that leaves each at least one token of its own. */
function sharedBeginning(prompts: readonly Token[][]): Token[] {
  const first = prompts[0];
  if (first === undefined || prompts.length < 2) return [];
  let length = Math.min(...prompts.map((prompt) => prompt.length)) - 1;
  for (const prompt of prompts) {
    let same = 0;
    while (same < length && prompt[same] === first[same]) same++;
    length = same;
  }
  return first.slice(0, Math.max(0, length));
}

function unexpectedEnd(): RedistillError {
  return new RedistillError(
    "internal",
    "llama.cpp ended an answer without a token",
    "Please report this with the model's name.",
  );
}
