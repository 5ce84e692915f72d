import type { ControlledEvaluateInputItem, LlamaContextSequence, Token } from "node-llama-cpp";
import type { TokenLogprob } from "../../core/entities.js";

/** Decimals that are kept: rounding moves a probability by less than one part in ten thousand. */
const precision = 1e4;

interface Reading {
  /** Holds prompt and answer, but for the answer's last token. */
  readonly sequence: LlamaContextSequence;
  readonly prompt: readonly Token[];
  readonly answer: readonly Token[];
  /** Alternatives for each token. */
  readonly top: number;
  detokenize(token: Token): string;
}

/**
 * Log-probabilities (natural) of a finished answer's tokens under the model's whole distribution, as
 * it is before temperature, top-k and the like. The answer is read a second time for it, alone and
 * in one batch: what was sampled does not depend on whether anybody asks.
 */
export async function readLogprobs(reading: Reading): Promise<TokenLogprob[]> {
  const { sequence, prompt, answer, top, detokenize } = reading;
  const start = prompt.length - 1;
  await sequence.eraseContextTokenRanges([{ start, end: sequence.nextTokenIndex }]);
  const read = [...prompt.slice(start), ...answer.slice(0, -1)];
  const outputs = await sequence.controlledEvaluate(
    read.map((token, place): ControlledEvaluateInputItem => {
      const filter = { tokens: [answer[place] as Token], includeTop: top };
      return [token, { generateNext: { logits: { filter }, totalLogitWeight: true } }];
    }),
  );
  return answer.map((id, place) => {
    const { logits = new Map<Token, number>(), totalLogitWeight = 1 } = outputs[place]?.next ?? {};
    const values = [...logits].sort(([, a], [, b]) => b - a);
    // llama.cpp gives the sum of exp(logit - largest logit) over the whole vocabulary.
    const normaliser = (values[0]?.[1] ?? 0) + Math.log(totalLogitWeight);
    const entry = (token: Token, logit: number) => {
      // Plus 0: a minus before it would be lost in storage.
      const logprob = Math.round((logit - normaliser) * precision) / precision + 0;
      return { token: detokenize(token), id: token as number, logprob };
    };
    return {
      ...entry(id, logits.get(id) as number),
      top: values.slice(0, top).map(([token, logit]) => entry(token, logit)),
    };
  });
}
