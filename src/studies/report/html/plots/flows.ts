import { scaleLinear } from "d3-scale";
import { area, curveBumpX } from "d3-shape";
import { figure, width } from "../../../../report/html/plots/figure.js";
import { html, type Markup } from "../../../../report/html/template.js";
import { oneLine } from "../../../../report/text.js";
import type { ArmFlow, StudyReport } from "../../report.js";
import { flowTable, nameOf } from "../../tables.js";
import { hatched, label } from "./marks.js";

const [left, gap, top, rowHeight, bottom] = [110, 24, 34, 62, 8];
const column = (width - left - gap - 12) / 2;
/** Between what is right and what is wrong. */
const apart = 12;
/** Arms that a plot has room for; the table has all. */
const most = 24;

interface Flow {
  readonly kept: number;
  readonly fixed: number;
  readonly broken: number;
  readonly missed: number;
}

/** Ribbons from right and wrong on the left to right and wrong on the right; losses are hatched. */
export function flowPlot(report: StudyReport): Markup | null {
  const { flows, analysis } = report;
  if (flows.length === 0) return null;
  const shown = flows.slice(0, most);
  const height = top + shown.length * rowHeight + bottom;
  const second = left + column + gap;
  const title = (x: number, text: string) =>
    html`<text text-anchor="middle" x="${x + column / 2}" y="14">${text}</text>`;
  const drawing = [
    title(left, "draft → revision"),
    title(second, "base → student"),
    ...shown.map((flow, i) => {
      const y = top + i * rowHeight;
      const name = label(`${flow.arm} ${oneLine(nameOf(analysis.arms, flow.arm))}`, 14);
      return html`<text text-anchor="end" x="${left - 8}" y="${y + rowHeight / 2}">${name}</text>${ribbons(revisionsOf(flow), left, y)}${ribbons(flow.students, second, y)}`;
    }),
  ];
  const key = "M1 1h10v10h-10z";
  const rest = flows.length - shown.length;
  return figure({
    id: "plot-flows",
    title: `What was fixed and what was broken${rest > 0 ? ` (the first ${most} arms; ${rest} more are in the table)` : ""}`,
    description:
      "For each arm two flows: drafts of training tasks to their revisions, and gate tasks from the base weights to the student. Right is above wrong; the figures are in the table.",
    height,
    drawing,
    legend: [
      { mark: "flow-kept", text: "right before and after" },
      { mark: "flow-fixed", text: "fixed" },
      { mark: hatched(key, "flow-broken"), text: "broken" },
      { mark: "flow-missed", text: "wrong before and after" },
    ],
    data: flowTable(report, (text) => oneLine(text)),
  });
}

function revisionsOf({ fixed, broken }: ArmFlow): Flow {
  return {
    kept: broken.of - broken.count,
    fixed: fixed.count,
    broken: broken.count,
    missed: fixed.of - fixed.count,
  };
}

function ribbons({ kept, fixed, broken, missed }: Flow, x: number, top: number): Markup {
  const all = kept + fixed + broken + missed;
  if (all === 0) {
    return html`<text text-anchor="middle" x="${x + column / 2}" y="${top + rowHeight / 2}">none</text>`;
  }
  const scale = scaleLinear()
    .domain([0, all])
    .range([0, rowHeight - 16 - apart]);
  /** From a place in the left stack to one in the right, each with what is apart above it. */
  const ribbon = (from: readonly [number, number], to: readonly [number, number], count: number) =>
    area<readonly [x: number, place: readonly [number, number]]>()
      .x(([at]) => at)
      .y0(([, [y, above]]) => top + above + scale(y))
      .y1(([, [y, above]]) => top + above + scale(y + count))
      .curve(curveBumpX)([
      [x, from],
      [x + column, to],
    ])!;
  const right = (y: number) => [y, 0] as const;
  const wrong = (y: number) => [y, apart] as const;
  // Left: kept, broken | fixed, missed. Right: kept, fixed | broken, missed.
  const [before, after] = [kept + broken, kept + fixed];
  return html`<path class="flow-kept" d="${ribbon(right(0), right(0), kept)}"/><path class="flow-missed" d="${ribbon(wrong(before + fixed), wrong(after + broken), missed)}"/><path class="flow-fixed" d="${ribbon(wrong(before), right(kept), fixed)}"/>${hatched(ribbon(right(kept), wrong(after), broken), "flow-broken")}`;
}
