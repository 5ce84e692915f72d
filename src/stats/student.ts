import { logGamma, regularizedBeta } from "./beta.js";
import { normalCdf } from "./normal.js";

/** P(T > t) for Student's t with `degrees` of freedom, which need not be whole. */
export function studentTail(t: number, degrees: number): number {
  if (degrees === Infinity) return normalCdf(-t);
  const half = regularizedBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  return t >= 0 ? half : 1 - half;
}

/** The t that is exceeded with probability `tail` (below 1/2), by bisection. */
export function studentCritical(tail: number, degrees: number): number {
  let [low, high] = [0, 1];
  while (studentTail(high, degrees) > tail) high *= 2;
  for (let i = 0; i < 100 && high - low > 1e-13 * high; i++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, degrees) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * P(T > t) for the noncentral t: T = (Z + shift) / S with S = √(χ²/degrees). The integral
 * ∫ Φ(shift - t s) f(s) ds over the density f of S (Owen 1968, Technometrics 10:445–478), by
 * Simpson's rule to about 1e-9.
 */
export function noncentralTail(t: number, degrees: number, shift: number): number {
  const spread = 12 / Math.sqrt(2 * degrees);
  // Over √S, where the integrand is smooth at 0 also for few degrees of freedom.
  const [from, to] = [Math.sqrt(Math.max(0, 1 - spread)), Math.sqrt(1 + spread)];
  const intervals = 2000;
  const width = (to - from) / intervals;
  const half = degrees / 2;
  const scale = Math.LN2 + half * Math.log(half) - logGamma(half);
  let sum = 0;
  for (let i = 0; i <= intervals; i++) {
    const root = from + i * width;
    if (root === 0) continue;
    const s = root * root;
    const density = 2 * root * Math.exp(scale + (degrees - 1) * Math.log(s) - half * s * s);
    const weight = i === 0 || i === intervals ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * density * normalCdf(shift - t * s);
  }
  return (sum * width) / 3;
}
