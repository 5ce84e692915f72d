import type { LlamaModel, Token } from "node-llama-cpp";
import { unit } from "../../core/vectors.js";

/** Texts whose lengths differ by less than this many tokens count as equally long when their times are compared. */
const alike = 16;

interface EmbedOptions {
  readonly threads: number;
  /** Tokens that a text may have; a longer one loses its middle. */
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Sets the number of threads for the next text, and hears how long it took. */
  readonly pace: { begin(): void; end(milliseconds: number, tokens: number): void };
  onVector(index: number, vector: Float32Array): void;
}

/**
 * The last hidden state of a model, after its last norm, at the last token of each text, as a vector of length 1. The
 * context for it is there only meanwhile. One text at a time from an empty context, so that a vector depends on its
 * text alone.
 */
export async function embedAll(
  model: LlamaModel,
  texts: readonly Token[][],
  { threads, limit, signal, pace, onVector }: EmbedOptions,
): Promise<void> {
  const longest = Math.max(...texts.map(({ length }) => length));
  // node-llama-cpp wants room for one token more, and may put a beginning token before.
  const size = Math.min(limit, longest + 2);
  const context = await model.createEmbeddingContext({
    ...{ contextSize: size, batchSize: size, threads },
  });
  try {
    for (const [index, tokens] of texts.entries()) {
      signal.throwIfAborted();
      pace.begin();
      const started = performance.now();
      const { vector } = await context.getEmbeddingFor(withoutMiddle(tokens, limit - 2));
      pace.end(performance.now() - started, Math.ceil(tokens.length / alike) * alike);
      onVector(index, unit(vector));
    }
  } finally {
    await context.dispose();
  }
}

function withoutMiddle(tokens: readonly Token[], most: number): Token[] {
  if (tokens.length <= most) return [...tokens];
  const end = Math.floor(most / 2);
  return [...tokens.slice(0, most - end), ...tokens.slice(-end)];
}
