import { scaleLinear } from "d3-scale";
import { points } from "../../../../core/points.js";
import { interval } from "../../../../report/figures.js";
import { at, figure, width } from "../../../../report/html/plots/figure.js";
import { html, type Markup } from "../../../../report/html/template.js";
import { oneLine } from "../../../../report/text.js";
import type { Comparison, Finding } from "../../../analysis.js";
import { findingTexts, level } from "../../headline.js";
import type { StudyReport } from "../../report.js";
import { comparisonTable, nameOf } from "../../tables.js";
import { findingMark, label } from "./marks.js";

const [left, right, top, rowHeight, bottom] = [128, 16, 8, 24, 34];

/** Differences with their intervals, an arm each, beside the margin within which they count as none. */
export function forestPlot(
  id: string,
  title: string,
  comparisons: readonly Comparison[],
  report: StudyReport,
): Markup | null {
  const { margin, confidence, arms } = report.analysis;
  const rows = comparisons.flatMap(({ arm, contrast, finding }) =>
    contrast === null ? [] : [{ arm, finding, ...contrast.estimate }],
  );
  if (rows.length === 0) return null;
  const x = scaleLinear()
    .domain([
      Math.min(-margin, ...rows.map(({ low }) => low)),
      Math.max(margin, ...rows.map(({ high }) => high)),
    ])
    .nice(6)
    .range([left, width - right]);
  const height = top + rows.length * rowHeight + bottom;
  const [from, to] = [top, height - bottom];
  const drawing = [
    html`<rect class="band" x="${at(x(-margin))}" y="${from}" width="${at(x(margin) - x(-margin))}" height="${to - from}"/>`,
    ...x
      .ticks(6)
      .map(
        (value) =>
          html`<path class="${value === 0 ? "zero" : "grid"}" d="M${at(x(value))} ${from}V${to}"/><text text-anchor="middle" x="${at(x(value))}" y="${to + 16}">${value === 0 ? "0" : points(value).replace(/\.0$/, "")}</text>`,
      ),
    ...rows.map(({ arm, finding, difference, low, high }, i) => {
      const y = top + (i + 0.5) * rowHeight;
      const name = label(`${arm} ${oneLine(nameOf(arms, arm))}`, 17);
      return html`<text text-anchor="end" x="${left - 8}" y="${at(y + 4)}">${name}</text><path class="bar-open" d="M${at(x(low))} ${at(y)}H${at(x(high))}M${at(x(low))} ${at(y - 4)}V${at(y + 4)}M${at(x(high))} ${at(y - 4)}V${at(y + 4)}"/>${findingMark(finding, x(difference), y)}`;
    }),
  ];
  const findings = [...new Set(rows.map(({ finding }) => finding))];
  return figure({
    id,
    title,
    description: `Percentage points with ${level(confidence)} intervals: ${rows
      .map((row) => `${row.arm} ${points(row.difference)} (${interval(row)})`)
      .join("; ")}.`,
    height,
    drawing,
    legend: [
      ...findings.map((finding: Finding) => ({
        mark: findingMark(finding, 6, 6),
        text: findingTexts[finding],
      })),
      ...(margin > 0 ? [{ mark: "band", text: "within the margin" }] : []),
    ],
    data: comparisonTable(comparisons, report, (text) => oneLine(text)),
  });
}
