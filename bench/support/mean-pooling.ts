import { getLlama, LlamaLogLevel } from "node-llama-cpp";
import type { Embedder } from "../../src/core/ports.js";
import { unit } from "../../src/core/vectors.js";

/** The mean of the hidden states of all tokens, which llama.cpp gives of a model that is said to be pooled so. */
export async function meanPooling(
  modelPath: string,
): Promise<Embedder & { close(): Promise<void> }> {
  const llama = await getLlama({ logLevel: LlamaLogLevel.error, build: "never" });
  // 1 is LLAMA_POOLING_TYPE_MEAN.
  const metadataOverrides: object = { llama: { pooling_type: 1 } };
  const model = await llama.loadModel({ modelPath, metadataOverrides });
  const context = await model.createEmbeddingContext({
    contextSize: 512,
    batchSize: 512,
    threads: 1,
  });
  return {
    digest: "mean",
    description: "mean of all hidden states",
    async embed(texts) {
      const vectors: Float32Array[] = [];
      for (const text of texts) {
        const { vector } = await context.getEmbeddingFor(model.tokenize(text, true));
        vectors.push(unit(vector));
      }
      return vectors;
    },
    async close() {
      await context.dispose();
      await model.dispose();
      await llama.dispose();
    },
  };
}
