/**
 * Numbers in [0, 1) with 53 random bits, the same for the same seed on every machine:
 * xoshiro128** (Blackman and Vigna 2018), its state filled by SplitMix64 (Steele et al. 2014).
 *
 * @example
 * const next = randomFrom(seedFor(runSeed, taskId));
 */
export function randomFrom(seed: number): () => number {
  const fill = splitMix64(seed);
  const [first, second] = [fill(), fill()];
  let s0 = Number(first & 0xffffffffn);
  let s1 = Number(first >> 32n);
  let s2 = Number(second & 0xffffffffn);
  let s3 = Number(second >> 32n);

  const next32 = (): number => {
    const result = Math.imul(rotl(Math.imul(s1, 5), 7), 9);
    const t = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = rotl(s3, 11);
    return result >>> 0;
  };
  return () => ((next32() >>> 5) * 0x4000000 + (next32() >>> 6)) / 2 ** 53;
}

/** A shuffled copy (Fisher and Yates, as in Durstenfeld 1964). */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = randomFrom(seed);
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

function splitMix64(seed: number): () => bigint {
  let state = BigInt.asUintN(64, BigInt(Math.trunc(seed)));
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
}

function rotl(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k));
}
