import { RedistillError } from "./errors.js";

/**
 * A vector divided by its length, so that the dot product of two is their cosine; of zeros alone it stays zeros.
 *
 * @throws RedistillError `model` for one that is empty or holds what is no number.
 */
export function unit(vector: ArrayLike<number>): Float32Array {
  const length = Math.hypot(...Array.from(vector));
  if (vector.length === 0 || !Number.isFinite(length)) {
    throw new RedistillError(
      "model",
      `a model made a vector of ${vector.length} parts that cannot be compared`,
      "Is it a model for embeddings? Name another in longTerm.embedder, or set longTerm.retrieval: text.",
    );
  }
  return Float32Array.from(vector, (part) => (length === 0 ? 0 : part / length));
}

/** The cosine of two vectors of length 1; 0 where one of them is zeros. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/**
 * Vectors without what all of them have in common: less their mean, and of length 1 again. Hidden states of language
 * models lie in a narrow cone, where all are near each other (Ethayarajh 2019, How Contextual are Contextualized Word
 * Representations?); without the mean cosines tell them apart (Mu and Viswanath 2018, All-but-the-Top).
 *
 * @param vectors By text, all of one size.
 */
export function centred(vectors: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  const mean = new Float64Array([...vectors.values()][0]?.length ?? 0);
  for (const vector of vectors.values()) {
    for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]! / vectors.size;
  }
  return new Map(
    [...vectors].map(([text, vector]) => [text, unit(vector.map((part, i) => part - mean[i]!))]),
  );
}

/** A vector as bytes: float32, little-endian, on any machine. */
export function bytesOf(vector: Float32Array): Uint8Array {
  const bytes = new Uint8Array(4 * vector.length);
  const view = new DataView(bytes.buffer);
  vector.forEach((part, i) => {
    view.setFloat32(4 * i, part, true);
  });
  return bytes;
}

/** The vector that `bytesOf` wrote. */
export function vectorOf(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}
