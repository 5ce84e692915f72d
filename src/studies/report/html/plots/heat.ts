import { scaleBand } from "d3-scale";
import { points } from "../../../../core/points.js";
import { at, figure, width } from "../../../../report/html/plots/figure.js";
import { html, type Markup } from "../../../../report/html/template.js";
import { oneLine } from "../../../../report/text.js";
import type { AnswerTable, StudyReport } from "../../report.js";
import { nameOf } from "../../tables.js";
import { hatched, label } from "./marks.js";

const [left, right, top, rowHeight, bottom] = [128, 16, 8, 18, 26];
const mostInTable = 40;

/** Each treatment's difference to its control on each gate task, the mean over seeds of both. */
export function heatMap({ answers, analysis }: StudyReport): Markup | null {
  const gate = answers.find(({ suite }) => suite === "gate");
  const compared = analysis.primary.filter(({ contrast }) => contrast !== null);
  if (gate === undefined || compared.length === 0) return null;
  const rows = compared.map(({ arm, baseline, contrast }) => ({
    arm,
    values: differences(gate, arm, baseline, contrast!.seeds),
  }));
  const mean = (task: number) => rows.reduce((sum, { values }) => sum + values[task]!, 0);
  const order = gate.tasks.map((_, task) => task).sort((a, b) => mean(b) - mean(a) || a - b);
  const x = scaleBand<number>()
    .domain(order.map((_, place) => place))
    .range([left, width - right]);
  const y = scaleBand<string>()
    .domain(rows.map(({ arm }) => arm))
    .range([top, top + rows.length * rowHeight])
    .paddingInner(0.15);
  const drawing = rows.map(({ arm, values }) => {
    const cells = { all: "", some: "", lostSome: "", lostAll: "" };
    for (const [place, task] of order.entries()) {
      const value = values[task]!;
      if (value === 0) continue;
      const kind =
        value > 0 ? (value > 0.5 ? "all" : "some") : value < -0.5 ? "lostAll" : "lostSome";
      cells[kind] +=
        `M${at(x(place)!)} ${at(y(arm)!)}h${at(x.bandwidth())}v${at(y.bandwidth())}h${at(-x.bandwidth())}z`;
    }
    const name = label(`${arm} ${oneLine(nameOf(analysis.arms, arm))}`, 17);
    return html`<text text-anchor="end" x="${left - 8}" y="${at(y(arm)! + y.bandwidth() / 2 + 4)}">${name}</text><rect class="cell-none" x="${left}" y="${at(y(arm)!)}" width="${width - left - right}" height="${at(y.bandwidth())}"/><path class="cell-gain" d="${cells.all}"/><path class="cell-some-gain" d="${cells.some}"/>${hatched(cells.lostSome, "cell-some-loss")}${hatched(cells.lostAll, "cell-loss")}`;
  });
  const height = top + rows.length * rowHeight + bottom;
  const differing = order.filter((task) => rows.some(({ values }) => values[task] !== 0));
  // The ends of the order are where arms and control differ most.
  const ends = [
    ...differing.slice(0, mostInTable / 2),
    ...differing.slice(mostInTable / 2).slice(-mostInTable / 2),
  ];
  const key = "M1 1h10v10h-10z";
  return figure({
    id: "plot-tasks",
    title: "Where arms and control differ: gate tasks, by mean difference",
    description: `A column for each of ${order.length} gate tasks, from the largest gain on the left to the largest loss on the right; ${differing.length} have a difference in some arm.`,
    height,
    drawing: [
      ...drawing,
      html`<text x="${left}" y="${height - 8}">right more often than the control</text><text text-anchor="end" x="${width - right}" y="${height - 8}">less often</text>`,
    ],
    legend: [
      { mark: "cell-gain", text: "gained with more than half of the seeds" },
      { mark: "cell-some-gain", text: "gained with fewer" },
      { mark: hatched(key, "cell-some-loss"), text: "lost with fewer" },
      { mark: hatched(key, "cell-loss"), text: "lost with more than half of the seeds" },
      { mark: "cell-none", text: "the same" },
    ],
    data: {
      header: ["task", ...rows.map(({ arm }) => arm)],
      rows: ends.map((task) => [
        oneLine(gate.tasks[task]!),
        ...rows.map(({ values }) => points(values[task]!)),
      ]),
    },
  });
}

/** The mean difference over seeds on each task; 0 where one of them was not asked. */
function differences(
  { tasks, rows }: AnswerTable,
  arm: string,
  baseline: string,
  seeds: readonly number[],
): number[] {
  const marks = (of: string) =>
    rows.filter((row) => row.arm === of && seeds.includes(row.seed!)).map((row) => row.marks);
  const [own, against] = [marks(arm), marks(baseline)];
  return tasks.map((_, task) => {
    const all = [...own, ...against].map((row) => row[task]);
    if (all.includes("-") || own.length === 0) return 0;
    const right = (of: readonly string[]) => of.filter((row) => row[task] === "1").length;
    return (right(own) - right(against)) / own.length;
  });
}
