import type { Adapter, Message } from "../../src/core/entities.js";
import type { EmbeddedEngine } from "../../src/models/embedded/engine.js";
import type { TrainerWorker } from "../../src/training/worker.js";
import { greedySampling, testModel } from "../support/machine.js";

export const maxTokens = 20;
/** `<|im_end|>` of the default weights: torch's answers end with it, llama.cpp's texts do not. */
const endOfTurn = 2;

export interface TorchAnswer {
  readonly prompt_tokens: number[];
  readonly tokens: number[];
  readonly margins: number[];
}

/** Greedy answers of base and PEFT adapter in float32. */
export async function inTorch(
  worker: TrainerWorker,
  prompts: readonly string[],
  peft: string | null,
): Promise<TorchAnswer[]> {
  const done = await worker.request("answer", {
    model: testModel(),
    adapter: peft,
    prompts,
    max_tokens: maxTokens,
  });
  return done.answers as TorchAnswer[];
}

/** Greedy answers of an engine, with a GGUF adapter, a whole model in the place of its own, or neither. */
export async function inLlama(
  engine: EmbeddedEngine,
  asked: readonly (readonly Message[])[],
  gguf: string | null,
  peftPath = "",
): Promise<number[][]> {
  const adapter: Adapter | null =
    gguf === null ? null : { sha256: gguf, ggufPath: gguf, peftPath, parent: null, round: 1 };
  const texts: string[] = [];
  await engine.sample(
    asked.map((messages) => ({ messages, sampling: greedySampling(maxTokens) })),
    {
      adapter,
      signal: new AbortController().signal,
      onResult: (index, { text }) => {
        texts[index] = text;
      },
    },
  );
  return texts.map((text) => engine.tokenize(text));
}

/** What is made when it is asked for first, and kept. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make();
    return made;
  };
}

/** Torch's margin where the two first differ, an early end counted as a difference; 0 where equal. */
export function marginsAtDifference(torch: TorchAnswer[], llama: number[][]): number[] {
  return torch.map(({ tokens, margins }, i) => {
    const other = [...llama[i]!, ...(llama[i]!.length < maxTokens ? [endOfTurn] : [])];
    const longest = Math.max(tokens.length, other.length);
    const at = Array.from({ length: longest }, (_, place) => place).find(
      (place) => tokens[place] !== other[place],
    );
    return at === undefined ? 0 : (margins[at] ?? Number.POSITIVE_INFINITY);
  });
}
