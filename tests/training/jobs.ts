import type { TrainingJob } from "../../src/core/ports.js";

/** Weights that the stand-in of fixtures/ never opens. */
export const model = { path: "weights/model.gguf", sha256: "a".repeat(64) };

/** A job for the stand-in, which does what its completion says. */
export function jobWith(completion: string, changes: Partial<TrainingJob> = {}): TrainingJob {
  return {
    method: "sft",
    options: {},
    examples: [{ prompt: "1 + 1 = ", completion }],
    parent: null,
    seed: 7,
    settings: {
      ...{ rank: 8, alpha: 16, epochs: 3, learningRate: 0.001 },
      ...{ tokensPerStep: 512, warmupRatio: 0.1 },
    },
    ...changes,
  };
}
