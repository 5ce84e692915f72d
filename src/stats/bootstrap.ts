import { RedistillError } from "../core/errors.js";
import { randomFrom } from "../core/random.js";
import { mean } from "./averages.js";
import type { Interval } from "./intervals.js";
import { normalCdf, normalQuantile } from "./normal.js";

export interface BootstrapOptions {
  readonly confidence: number;
  readonly seed: number;
  /** Draws; 9,999 where nothing else is said: the interval's ends are then steady to about 1% of its width. */
  readonly resamples?: number;
}

/**
 * A BCa bootstrap interval of a figure over clusters (Efron 1987, JASA 82:171–185). A cluster is
 * everything that one task gave: its answers by all arms and seeds. Tasks are drawn with replacement and
 * keep what they have, so that answers to one task are never taken for independent ones (Davison and
 * Hinkley 1997, 3.8; Field and Welsh 2007). It is about new tasks and these very trainings; for new
 * trainings there is `mixedDifference`, as three seeds are too few to draw from.
 *
 * @example
 * bootstrapByTask(differences.values, (tasks) => mean(tasks.map((row) => mean(row)!))!, {
 *   confidence: 0.95,
 *   seed: 1,
 * });
 */
export function bootstrapByTask<Cluster>(
  clusters: readonly Cluster[],
  figure: (clusters: readonly Cluster[]) => number,
  { confidence, seed, resamples = 9_999 }: BootstrapOptions,
): Interval {
  if (clusters.length < 2) {
    throw new RedistillError(
      "usage",
      `a bootstrap of ${clusters.length} tasks: it needs at least two`,
      "Evaluate on more tasks.",
    );
  }
  const random = randomFrom(seed);
  const draw = () => clusters[Math.floor(random() * clusters.length)]!;
  const replicates = Array.from({ length: resamples }, () => figure(clusters.map(draw)));
  const without = clusters.map((_, i) => figure(clusters.filter((_, other) => other !== i)));
  return bcaInterval(figure(clusters), replicates, without, confidence);
}

/**
 * The BCa interval from a figure, its bootstrap replicates and its jackknife values (the figure
 * without each cluster): the percentiles Φ(z + (z + zₚ) / (1 - a (z + zₚ))) of the replicates, with
 *
 *   z = Φ⁻¹(share of replicates below the figure, ties counted half),
 *   a = Σ(m - jᵢ)³ / 6 (Σ(m - jᵢ)²)^1.5, m the mean of the jackknife values j
 *
 * (Efron and Tibshirani 1993, 14.3). Where all replicates are on one side of the figure, z is infinite and
 * so the interval ends at the outermost replicate; where nothing varies it has no width.
 */
export function bcaInterval(
  figure: number,
  replicates: readonly number[],
  jackknife: readonly number[],
  confidence: number,
): Interval {
  const below = replicates.filter((value) => value < figure).length;
  const ties = replicates.filter((value) => value === figure).length;
  const bias = normalQuantile((below + ties / 2) / replicates.length);
  const acceleration = accelerationOf(jackknife);
  const sorted = Float64Array.from(replicates).sort();
  const end = (p: number) => {
    const shifted = bias + normalQuantile(p);
    return quantile(sorted, normalCdf(bias + shifted / (1 - acceleration * shifted)));
  };
  if (!Number.isFinite(bias)) {
    const edge = bias < 0 ? sorted[0]! : sorted[sorted.length - 1]!;
    return { low: Math.min(edge, figure), high: Math.max(edge, figure) };
  }
  return { low: end((1 - confidence) / 2), high: end((1 + confidence) / 2) };
}

function accelerationOf(jackknife: readonly number[]): number {
  const centre = mean(jackknife)!;
  let [squares, cubes] = [0, 0];
  for (const value of jackknife) {
    squares += (centre - value) ** 2;
    cubes += (centre - value) ** 3;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/** Linear between order statistics (type 7 of Hyndman and Fan 1996). */
function quantile(sorted: Float64Array, p: number): number {
  const place = p * (sorted.length - 1);
  const lower = Math.floor(place);
  const [low, high] = [sorted[lower]!, sorted[Math.min(lower + 1, sorted.length - 1)]!];
  return low + (place - lower) * (high - low);
}
