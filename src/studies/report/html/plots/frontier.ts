import { scaleLinear } from "d3-scale";
import { curveStepAfter, line } from "d3-shape";
import { figure as number, percent } from "../../../../report/figures.js";
import { at, figure, width } from "../../../../report/html/plots/figure.js";
import { html, type Markup } from "../../../../report/html/template.js";
import { oneLine } from "../../../../report/text.js";
import { level } from "../../headline.js";
import type { StudyReport } from "../../report.js";
import { roleMark } from "./marks.js";

const [left, right, top, bottom, height] = [52, 84, 14, 44, 280];
/** Between the lines of two labels. */
const labelStep = 14;

/** What each arm's tokens bought; the line joins those that no other arm beats at less. */
export function frontierPlot({ analysis, costs }: StudyReport): Markup | null {
  const arms = analysis.arms.flatMap(({ suites, ...arm }) => {
    const sampled = costs.find((cost) => cost.arm === arm.id)?.sampled;
    const tokens = arm.role === "untrained" ? 0 : sampled;
    return suites.gate === null || tokens === undefined ? [] : [{ ...arm, tokens, ...suites.gate }];
  });
  if (arms.length < 2) return null;
  const x = scaleLinear()
    .domain([0, Math.max(1, ...arms.map(({ tokens }) => tokens))])
    .nice(5)
    .range([left, width - right]);
  const y = scaleLinear()
    .domain([Math.min(...arms.map(({ low }) => low)), Math.max(...arms.map(({ high }) => high))])
    .nice(5)
    .range([height - bottom, top]);
  const frontier = efficient(arms);
  const steps = line<(typeof arms)[number]>()
    .x(({ tokens }) => x(tokens))
    .y(({ share }) => y(share))
    .curve(curveStepAfter)(frontier)!;
  const labels = apart(
    arms.map(({ share }) => y(share)),
    [top, height - bottom],
  );
  const drawing = [
    ...y
      .ticks(5)
      .map(
        (value) =>
          html`<path class="grid" d="M${left} ${at(y(value))}H${width - right}"/><text text-anchor="end" x="${left - 6}" y="${at(y(value) + 4)}">${percent(value).replace(".0%", "%")}</text>`,
      ),
    ...x
      .ticks(4)
      .map(
        (value) =>
          html`<path class="grid" d="M${at(x(value))} ${top}V${height - bottom}"/><text text-anchor="middle" x="${at(x(value))}" y="${height - bottom + 16}">${x.tickFormat(4, "~s")(value)}</text>`,
      ),
    html`<text text-anchor="middle" x="${(left + width - right) / 2}" y="${height - 8}">tokens sampled to learn from</text>`,
    html`<path class="line-frontier" d="${steps}"/>`,
    // Arms that cost and learn alike lie on each other: their names stand in the margin, with a line to each.
    ...arms.map(
      ({ id, tokens, share }, i) =>
        html`<path class="grid" d="M${at(x(tokens))} ${at(y(share))}L${width - right + 8} ${at(labels[i]!)}"/><text x="${width - right + 12}" y="${at(labels[i]! + 4)}">${id}</text>`,
    ),
    ...arms.map(
      ({ role, tokens, share, low, high }) =>
        html`<path class="bar-open" d="M${at(x(tokens))} ${at(y(low))}V${at(y(high))}"/>${roleMark(role, x(tokens), y(share))}`,
    ),
  ];
  return figure({
    id: "plot-frontier",
    title: "Gate tasks right against tokens sampled",
    description: `Efficient are ${frontier.map(({ id }) => id).join(", ")}: no other arm is right as often for fewer tokens.`,
    height,
    drawing,
    legend: [
      { mark: roleMark("treatment", 6, 6), text: "treatment" },
      { mark: roleMark("equal-compute", 6, 6), text: "equal compute" },
      { mark: roleMark("untrained", 6, 6), text: "no training" },
      { mark: "line-frontier", text: "frontier" },
    ],
    data: {
      header: [
        "arm",
        "what it is",
        "tokens sampled",
        "right",
        `${level(analysis.confidence)} interval`,
      ],
      rows: arms.map(({ id, name, tokens, share, low, high }) => [
        id,
        oneLine(name),
        number(Math.round(tokens)),
        percent(share),
        `${percent(low)} to ${percent(high)}`,
      ]),
    },
  });
}

/** Heights as near to those wanted as they can be without two of them being too close, in the same order. */
function apart(
  wanted: readonly number[],
  [first, last]: readonly [number, number],
): readonly number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]! || a - b);
  const found = [...wanted];
  let next = first;
  for (const i of order) {
    found[i] = Math.max(wanted[i]!, next);
    next = found[i]! + labelStep;
  }
  // Pushed below the plot: back up from its end.
  let limit = last;
  for (const i of order.reverse()) {
    found[i] = Math.min(found[i]!, limit);
    limit = found[i]! - labelStep;
  }
  return found;
}

/** Those that are right more often than all that took fewer tokens, cheapest first. */
function efficient<T extends { readonly tokens: number; readonly share: number }>(
  arms: readonly T[],
): T[] {
  const found: T[] = [];
  for (const arm of cheapestFirst(arms)) {
    if (found.length === 0 || arm.share > found.at(-1)!.share) found.push(arm);
  }
  return found;
}

function cheapestFirst<T extends { readonly tokens: number; readonly share: number }>(
  arms: readonly T[],
): T[] {
  return [...arms].sort((a, b) => a.tokens - b.tokens || b.share - a.share);
}
