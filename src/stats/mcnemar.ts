import { RedistillError } from "../core/errors.js";

/** p-values of the exact McNemar test. */
export interface McNemar {
  /** One-sided: P(at least this many gained | gains and losses equally likely). */
  readonly better: number;
  /** Two-sided: the smaller tail doubled, at most 1. */
  readonly different: number;
}

/**
 * The exact McNemar test (McNemar 1947; exact form: Agresti 2013, Categorical Data Analysis, 11.1).
 * Only discordant pairs inform; given their number n = gained + lost, and no difference between the
 * models, gained ~ Binomial(n, 1/2). Without discordant pairs both p-values are 1.
 *
 * @example
 * exactMcNemar(8, 1) // { better: 0.01953125, different: 0.0390625 }
 */
export function exactMcNemar(gained: number, lost: number): McNemar {
  const n = gained + lost;
  const better = fairTail(n, gained);
  return { better, different: Math.min(1, 2 * Math.min(better, fairTail(n, lost))) };
}

/**
 * P(X >= k) for X ~ Binomial(n, 1/2). The largest term is taken in logarithms,
 * ln C(n, k) - n ln 2 with ln C(n, k) = Σ ln((n - k + i) / i), and the rest as ratios to it, so that
 * neither overflow nor underflow spoils n up to 1e5. Up to n = 50 every term is a whole number below
 * 2^53 and the result is exact.
 */
export function fairTail(n: number, k: number): number {
  if (!Number.isInteger(n) || !Number.isInteger(k) || n < 0) {
    throw new RedistillError(
      "internal",
      `fairTail(${n}, ${k}): counts are not whole numbers`,
      "Report this with the run's database.",
    );
  }
  if (k <= 0) return 1;
  if (k > n) return 0;
  // Left of the middle the tail is nearly 1: take its complement, which is a tail by symmetry.
  if (2 * k <= n) return 1 - fairTail(n, n - k + 1);
  const exact = n <= 50;
  let term = exact ? choose(n, k) : 1;
  let sum = term;
  for (let i = k; i < n && term > sum * 1e-17; i++) {
    term = (term * (n - i)) / (i + 1);
    sum += term;
  }
  return exact ? sum / 2 ** n : Math.exp(logChoose(n, k) - n * Math.LN2 + Math.log(sum));
}

function choose(n: number, k: number): number {
  let product = 1;
  for (let i = 1; i <= n - k; i++) product = (product * (k + i)) / i;
  return product;
}

/** Kahan's compensated sum keeps the error of 5e4 logarithms near one rounding. */
function logChoose(n: number, k: number): number {
  const few = Math.min(k, n - k);
  let sum = 0;
  let lost = 0;
  for (let i = 1; i <= few; i++) {
    const next = Math.log((n - few + i) / i) - lost;
    const total = sum + next;
    lost = total - sum - next;
    sum = total;
  }
  return sum;
}
