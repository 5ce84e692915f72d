import {
  type LlamaContextSequence,
  type LlamaGrammar,
  LlamaGrammarEvaluationState,
  type LlamaModel,
  type Token,
} from "node-llama-cpp";
import type { Generation, Sampling } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import { seedFor } from "../../core/hash.js";
import { readLogprobs } from "./logprobs.js";

export interface DecodeRequest {
  readonly index: number;
  readonly prompt: Token[];
  /** Tokens before the last message's content: what other prompts may share. */
  readonly prefixLength: number;
  readonly sampling: Sampling;
  /** Log-probabilities are wanted, of so many alternatives a token; 0: none. */
  readonly topLogprobs: number;
  /** Holds the answer to a form; null: it is free. */
  readonly grammar: LlamaGrammar | null;
}

interface DecodeOptions {
  readonly signal: AbortSignal;
  readonly drain?: AbortSignal;
  readonly sharePrefixes: boolean;
  /** Sets the number of threads for the next step, and hears how long it took. */
  readonly pace: { begin(): void; end(milliseconds: number, tokens: number): void };
  onResult(index: number, generation: Generation): void;
  onTokens?(count: number): void;
}

interface ActiveAnswer {
  readonly request: DecodeRequest;
  /** What has been sampled so far. */
  readonly answer: Token[];
  readonly evaluated: number;
  readonly startedAt: number;
  /** How far the answer has come in its grammar: of this answer alone, whatever slot it is in. */
  readonly form: LlamaGrammarEvaluationState | null;
  /** The token that the next step evaluates. */
  next: Token;
}

/** The sequences of one context, in the order of their ids. */
export interface SequencePool {
  /** Hold the beginnings of prompts that others copy. */
  readonly common: LlamaContextSequence;
  readonly group: LlamaContextSequence;
  /** Keeps a last answer company; see `step`. */
  readonly padding: LlamaContextSequence;
  /** Write answers. */
  readonly slots: readonly LlamaContextSequence[];
}

/**
 * Writes all answers with continuous batching. The answer at a position of `active` is in the slot
 * of that position, and an answer that ends leaves its slot to the next request, or to the last
 * answer: llama.cpp computes only sequences with consecutive ids together, and a gap would halve
 * the speed.
 */
export async function decodeAll(
  model: LlamaModel,
  pool: SequencePool,
  requests: readonly DecodeRequest[],
  options: DecodeOptions,
): Promise<void> {
  const prefixes = new SharedPrefixes(pool, options.sharePrefixes);
  const { slots } = pool;
  const waiting = options.drain?.aborted ? [] : [...requests];
  const active: ActiveAnswer[] = [];
  while (waiting.length > 0 || active.length > 0) {
    options.signal.throwIfAborted();
    while (active.length < slots.length && waiting.length > 0) {
      const request = waiting.shift() as DecodeRequest;
      const slot = slots[active.length] as LlamaContextSequence;
      active.push(await begin(model, request, slot, prefixes));
      // Reading many long prompts takes a while; whoever watches must see that it goes on.
      options.onTokens?.(0);
    }
    options.pace.begin();
    const stepStarted = performance.now();
    const sampled = await step(pool, active);
    // Every answer takes one token a step: prompts are evaluated before.
    options.pace.end(performance.now() - stepStarted, active.length);
    options.onTokens?.(active.length);
    // From the last, so that the answer that takes over a slot has been looked at.
    for (let position = active.length - 1; position >= 0; position--) {
      const current = active[position] as ActiveAnswer;
      const token = sampled[position] as Token;
      const { request, answer } = current;
      const ended = model.isEogToken(token);
      // The end-of-turn token counts: it was sampled, and maxTokens bounds what is sampled.
      answer.push(token);
      current.next = token;
      if (!ended && answer.length < request.sampling.maxTokens) continue;
      const slot = slots[position] as LlamaContextSequence;
      const durationMs = performance.now() - current.startedAt;
      const logprobs = await logprobsOf(model, slot, current);
      options.onResult(request.index, {
        text: model.detokenize(ended ? answer.slice(0, -1) : answer),
        stopReason: ended ? "end" : "length",
        promptTokens: request.prompt.length,
        evaluatedPromptTokens: current.evaluated,
        completionTokens: answer.length,
        durationMs,
        ...(logprobs === null ? {} : { logprobs }),
      });
      if (options.drain?.aborted) waiting.length = 0;
      const following = waiting.shift();
      if (following !== undefined) {
        active[position] = await begin(model, following, slot, prefixes);
        options.onTokens?.(0);
        continue;
      }
      const last = active.pop() as ActiveAnswer;
      if (position === active.length) continue;
      const from = slots[active.length] as LlamaContextSequence;
      await copy(from, slot, from.nextTokenIndex);
      active[position] = last;
    }
  }
}

async function logprobsOf(
  model: LlamaModel,
  sequence: LlamaContextSequence,
  { request: { prompt, topLogprobs: top }, answer }: ActiveAnswer,
) {
  if (top === 0) return null;
  const detokenize = (token: Token) => model.detokenize([token], true);
  return readLogprobs({ sequence, prompt, answer, top, detokenize });
}

async function begin(
  model: LlamaModel,
  request: DecodeRequest,
  slot: LlamaContextSequence,
  prefixes: SharedPrefixes,
): Promise<ActiveAnswer> {
  const startedAt = performance.now();
  const { next, evaluated } = await prefixes.load(request, slot);
  const { grammar } = request;
  const form = grammar && new LlamaGrammarEvaluationState({ model, grammar });
  return { request, answer: [], evaluated, startedAt, form, next };
}

/**
 * One token for every answer. llama.cpp computes a batch of one with other kernels than larger ones
 * (adapters; flash attention, which then adds by thread), whose last bits differ, so that the last
 * answer gets company: what an answer says depends on its request alone, and a resumed stage samples
 * the same tokens. Measured on CPUs; a GPU may choose kernels by the size of a batch in other ways.
 *
 * @returns the sampled tokens, in the order of `active`
 */
async function step(pool: SequencePool, active: readonly ActiveAnswer[]): Promise<Token[]> {
  const [first] = active;
  const company: Promise<Token>[] = [];
  if (first !== undefined && active.length === 1) {
    await pool.padding.clearHistory();
    // Begun first: the padding's id comes before the slots'.
    company.push(sampleNext(pool.padding, first.next, greedy, 0, null));
  }
  const sampled = active.map(({ request: { sampling }, answer, next, form }, position) =>
    sampleNext(pool.slots[position] as LlamaContextSequence, next, sampling, answer.length, form),
  );
  // All are waited for, even when one fails: the context may be disposed of after this.
  await Promise.allSettled([...company, ...sampled]);
  return Promise.all(sampled);
}

const greedy = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0 };

/** Evaluates a token and samples the next; its randomness depends on the seed and its place alone. */
async function sampleNext(
  sequence: LlamaContextSequence,
  token: Token,
  { temperature, topP, topK, minP, seed }: Omit<Sampling, "maxTokens">,
  place: number,
  form: LlamaGrammarEvaluationState | null,
): Promise<Token> {
  const tokens = sequence.evaluate([token], {
    temperature,
    topP,
    topK,
    minP,
    seed: seedFor(seed, place),
    yieldEogToken: true,
    ...(form === null ? {} : { grammarEvaluationState: form }),
  });
  const { value } = await tokens.next();
  await tokens.return();
  if (value === undefined) throw unexpectedEnd();
  return value;
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

  /** Brings `sequence` to the prompt but for `next`, its last token: its logits are needed. */
  async load(
    { prompt, prefixLength }: DecodeRequest,
    sequence: LlamaContextSequence,
  ): Promise<{ next: Token; evaluated: number }> {
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
    return { next: prompt[prompt.length - 1] as Token, evaluated };
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
