import { mean } from "../stats/index.js";

/** An arm's result with each seed that it has been run with, as a share of held-out tasks. */
export interface Standing {
  readonly arm: string;
  readonly right: readonly number[];
}

/**
 * Successive halving (Jamieson and Talwalkar 2016, AISTATS 51:240–248): the arms that do not go on after a seed. The
 * best share stays, two at least, so that the end is a comparison; equal arms go on together.
 */
export function stoppedBy(standings: readonly Standing[], keep: number): string[] {
  const ranked = standings
    .map(({ arm, right }) => ({ arm, right: mean(right) ?? 0 }))
    .sort((a, b) => b.right - a.right);
  const kept = Math.min(ranked.length, Math.max(2, Math.ceil(ranked.length * keep)));
  const bar = ranked[kept - 1]?.right ?? 0;
  return ranked.filter(({ right }) => right < bar).map(({ arm }) => arm);
}
