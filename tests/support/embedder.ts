import { sha256 } from "../../src/core/hash.js";
import type { Embedder } from "../../src/core/ports.js";
import { unit } from "../../src/core/vectors.js";

const size = 1024;

/** A vector by the words of a text: texts with common words are near. */
export function vectorByWords(text: string): Float32Array {
  const vector = new Float32Array(size);
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) {
    vector[Number.parseInt(sha256(word).slice(0, 8), 16) % size]! += 1;
  }
  return unit(vector);
}

/** Makes vectors by words, and keeps what it was asked for. */
export function scriptedEmbedder(name = "words"): Embedder & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    digest: sha256({ embedder: name }),
    description: `scripted embedder ${name}`,
    async embed(texts, signal) {
      signal.throwIfAborted();
      asked.push(...texts);
      return texts.map(vectorByWords);
    },
  };
}
