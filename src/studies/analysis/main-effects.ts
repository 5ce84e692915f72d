import { mixedDifference } from "../../stats/index.js";
import { coded } from "../d-optimal.js";
import type { StudyOutcomes } from "../outcomes.js";
import { answersOf, scoresOf, sharedSeeds, sharedTasks } from "./answers.js";
import { type Claim, differenceOf } from "./estimate.js";

/** A factor's level, with the other factors evened out. */
export interface LevelEffect {
  readonly level: string;
  /** Arms that have it. */
  readonly arms: number;
  /** Marginal mean of the share right. */
  readonly share: number;
  readonly low: number;
  readonly high: number;
  /** This level less the factor's first one; null for that one itself. */
  readonly difference: {
    readonly difference: number;
    readonly low: number;
    readonly high: number;
  } | null;
}

export interface MainEffects {
  readonly tasks: number;
  readonly seeds: readonly number[];
  readonly claim: Claim;
  readonly factors: readonly { readonly factor: string; readonly levels: readonly LevelEffect[] }[];
}

/**
 * Main effects of the factors on the gate suite: least squares on the effect-coded levels for each task and seed,
 * and then the mixed view of those contrasts. In a full design the marginal means are plain means over
 * arms; in a fraction they are adjusted for what its arms leave unbalanced. Interactions are taken to be
 * none.
 *
 * @returns null with a single factor, or where the arms that have ended cannot tell the factors apart.
 */
export function mainEffects(outcomes: StudyOutcomes, confidence: number): MainEffects | null {
  const { factors, levels } = factorsOf(outcomes);
  if (factors.length < 2) return null;
  const arms = outcomes.arms
    .filter(({ role }) => role === "treatment")
    .map((arm) => ({ arm, answers: answersOf(outcomes, arm, "gate") }))
    .filter(({ answers }) => answers.size > 0);
  const seeds = sharedSeeds(arms.map(({ answers }) => answers));
  const all = arms.map(({ answers }) => answers);
  const { tasks } = sharedTasks(all, seeds);
  if (seeds.length === 0 || tasks.length < 2) return null;
  const sizes = levels.map(({ length }) => length);
  const places = arms.map(({ arm }) =>
    factors.map((factor, at) => levels[at]!.indexOf(arm.levels[factor]!)),
  );
  const solved = leastSquares(places.map((row) => coded(row, sizes)));
  if (solved === null) return null;
  const scores = all.map((answers) => scoresOf(answers, tasks, seeds));
  /** Σ weight × score over arms, for each task and seed; rounded, so that equal sums are equal. */
  const combined = (weights: readonly number[]) =>
    tasks.map((_, t) =>
      seeds.map((_, s) => {
        const sum = weights.reduce((all, weight, arm) => all + weight * scores[arm]![t]![s]!, 0);
        return Number(sum.toFixed(12));
      }),
    );
  let column = 1;
  const effects = factors.map((factor, at) => {
    const own = levels[at]!.map((_, level) => {
      const code = coded(
        sizes.map((size, other) => (other === at ? level : size - 1)),
        sizes,
      ).slice(column, column + sizes[at]! - 1);
      return arms.map((_, arm) =>
        code.reduce((sum, value, i) => sum + value * solved[column + i]![arm]!, 0),
      );
    });
    column += sizes[at]! - 1;
    return {
      factor,
      levels: levels[at]!.map((level, place): LevelEffect => {
        const { method, weights } = mixedDifference(
          combined(own[place]!.map((weight, arm) => weight + solved[0]![arm]!)),
          confidence,
        );
        const { difference: share, low, high } = method ?? weights;
        const against = own[place]!.map((weight, arm) => weight - own[0]![arm]!);
        const { difference, ...ends } = differenceOf(combined(against), confidence);
        return {
          level,
          arms: places.filter((row) => row[at] === place).length,
          ...{ share, low: Math.max(0, low), high: Math.min(1, high) },
          difference: place === 0 ? null : { difference, low: ends.low, high: ends.high },
        };
      }),
    };
  });
  const claim = seeds.length > 1 ? "method" : "weights";
  return { tasks: tasks.length, seeds, claim, factors: effects };
}

function factorsOf({ arms }: StudyOutcomes) {
  const treatments = arms.filter(({ role }) => role === "treatment");
  const factors = Object.keys(treatments[0]?.levels ?? {});
  const levels = factors.map((factor) => [
    ...new Set(treatments.map((arm) => arm.levels[factor]!)),
  ]);
  // A factor of which the fraction has one level only tells nothing.
  const varied = factors.map((_, at) => at).filter((at) => levels[at]!.length > 1);
  return { factors: varied.map((at) => factors[at]!), levels: varied.map((at) => levels[at]!) };
}

/**
 * (X'X)⁻¹X' by Gauss and Jordan: row i holds the weights of the observations in coefficient i. Null
 * where X'X has no inverse.
 */
function leastSquares(design: readonly (readonly number[])[]): number[][] | null {
  const width = design[0]?.length ?? 0;
  const rows = Array.from({ length: width }, (_, i) => [
    ...Array.from({ length: width }, (_, j) =>
      design.reduce((sum, row) => sum + row[i]! * row[j]!, 0),
    ),
    ...design.map((row) => row[i]!),
  ]);
  for (let at = 0; at < width; at++) {
    const sizes = rows.slice(at).map((row) => Math.abs(row[at]!));
    const largest = at + sizes.indexOf(Math.max(...sizes));
    if (Math.abs(rows[largest]![at]!) < 1e-9) return null;
    [rows[at], rows[largest]] = [rows[largest]!, rows[at]!];
    const pivot = rows[at]![at]!;
    rows[at] = rows[at]!.map((value) => value / pivot);
    for (const [other, row] of rows.entries()) {
      const factor = row[at]!;
      if (other === at || factor === 0) continue;
      rows[other] = row.map((value, i) => value - factor * rows[at]![i]!);
    }
  }
  return rows.map((row) => row.slice(width));
}
