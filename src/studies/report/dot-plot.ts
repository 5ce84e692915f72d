import { scaleLinear } from "d3-scale";
import { points } from "../../core/points.js";
import type { Comparison } from "../analysis.js";

/** Characters that the axis of a plot made of text has. */
const width = 41;

/** A forest plot made of characters: intervals, the estimate in them, and where no difference is. */
export function textForest(comparisons: readonly Comparison[]): string[] {
  const compared = comparisons.filter(({ contrast }) => contrast !== null);
  if (compared.length === 0) return [];
  const estimates = compared.map(({ contrast }) => contrast!.estimate);
  const scale = scaleLinear()
    .domain([
      Math.min(0, ...estimates.map(({ low }) => low)),
      Math.max(0, ...estimates.map(({ high }) => high)),
    ])
    .nice(5)
    .rangeRound([0, width - 1]);
  const [from, to] = scale.domain() as [number, number];
  const name = Math.max(...compared.map(({ arm }) => arm.length));
  const rows = compared.map(({ arm, contrast }) => {
    const { difference, low, high } = contrast!.estimate;
    const marks: string[] = Array.from({ length: width }, () => " ");
    for (let at = scale(low); at <= scale(high); at++) marks[at] = "-";
    marks[scale(0)] = "|";
    marks[scale(low)] = "[";
    marks[scale(high)] = "]";
    marks[scale(difference)] = "o";
    return `${arm.padEnd(name)} ${marks.join("")} ${points(difference)}`;
  });
  const ends = `${points(from)}${points(to).padStart(width - points(from).length)}`;
  return [...rows, `${" ".repeat(name)} ${ends} points`];
}
