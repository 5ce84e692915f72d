import { duration, figure as number } from "../../figures.js";
import type { RunReport } from "../../report.js";
import { stageName } from "../../timeline.js";
import { byStage } from "../../went.js";
import { html, type Markup } from "../template.js";
import { at, figure, lastRounds, ticks, width } from "./figure.js";

const [left, right, top, rowHeight, bottom] = [92, 28, 6, 24, 30];

interface Row {
  readonly name: string;
  readonly parts: readonly {
    readonly kind: string;
    readonly title: string;
    readonly value: number;
  }[];
}

/** Time of the finished stages, a bar for each round. */
export function timePlot({ howItWent }: RunReport): Markup | null {
  const timed = howItWent.stages.flatMap(({ seconds, ...row }) =>
    seconds === null ? [] : [{ ...row, seconds }],
  );
  const names = [...new Set(timed.map(({ stage }) => stage))];
  if (names.length === 0) return null;
  const { shown, remark } = lastRounds([...new Set(timed.map(({ round }) => round))]);
  const secondsOf = (round: number, stage: string) =>
    timed.find((row) => row.round === round && row.stage === stage)?.seconds ?? 0;
  const rows = shown.map((round) => ({
    name: `round ${round}`,
    parts: names.map((stage, i) => {
      const seconds = secondsOf(round, stage);
      const title = `${stageName(stage)}, round ${round}: ${duration(seconds)}`;
      return { kind: `part-${i}`, title, value: seconds };
    }),
  }));
  return bars({
    id: "plot-time",
    title: `Time of each stage, by round${remark}`,
    description: `Stacked bars of ${names.map(stageName).join(", ")}; the figures are in the table.`,
    rows,
    label: (seconds) =>
      Number.isInteger(seconds)
        ? duration(seconds).replace(/ 00[sm]$/, "")
        : `${Number(seconds.toFixed(2))}s`,
    legend: names.map((stage, i) => ({ mark: `part-${i}`, text: stageName(stage) })),
    data: {
      header: ["stage", ...shown.map((round) => `round ${round}`)],
      rows: names.map((stage) => [
        stageName(stage),
        ...shown.map((round) => duration(secondsOf(round, stage))),
      ]),
    },
    // A round's seconds are read in minutes or hours.
    unit: (most) => (most > 2 * 3600 ? 3600 : most > 120 ? 60 : 1),
  });
}

/** Tokens of the calls that were really made, a bar for each stage. */
export function tokensPlot(report: RunReport): Markup | null {
  const stages = byStage(report).filter(({ calls }) => calls > 0);
  if (stages.length === 0) return null;
  return bars({
    id: "plot-tokens",
    title: "Tokens of each stage, over all rounds",
    description: `Stacked bars of prompt tokens read and tokens written: ${stages
      .map(
        (row) => `${stageName(row.stage)} ${number(row.promptTokensRead + row.completionTokens)}`,
      )
      .join(", ")}.`,
    rows: stages.map(({ stage, promptTokensRead, completionTokens }) => ({
      name: stageName(stage),
      parts: [
        { kind: "part-0", title: `read: ${number(promptTokensRead)}`, value: promptTokensRead },
        { kind: "part-1", title: `written: ${number(completionTokens)}`, value: completionTokens },
      ],
    })),
    label: short,
    legend: [
      { mark: "part-0", text: "prompt tokens read" },
      { mark: "part-1", text: "tokens written" },
    ],
    data: {
      header: ["stage", "calls", "read", "written"],
      rows: stages.map(({ stage, calls, promptTokensRead, completionTokens }) => [
        stageName(stage),
        ...[calls, promptTokensRead, completionTokens].map(number),
      ]),
    },
    unit: () => 1,
  });
}

function bars(
  plot: Pick<Parameters<typeof figure>[0], "id" | "title" | "description" | "legend" | "data"> & {
    readonly rows: readonly Row[];
    readonly label: (value: number) => string;
    readonly unit: (most: number) => number;
  },
): Markup {
  const { rows, label } = plot;
  const total = ({ parts }: Row) => parts.reduce((sum, { value }) => sum + value, 0);
  const most = Math.max(...rows.map(total));
  const unit = plot.unit(most);
  const marks = ticks(0, most / unit, 4).map((mark) => mark * unit);
  const scale = (width - left - right) / (marks.at(-1)! || 1);
  const height = top + rows.length * rowHeight + bottom;
  const drawing = [
    ...marks.map(
      (mark) =>
        html`<path class="grid" d="M${at(left + mark * scale)} ${top}V${height - bottom}"/><text text-anchor="middle" x="${at(left + mark * scale)}" y="${height - 12}">${mark === 0 ? "0" : label(mark)}</text>`,
    ),
    ...rows.map(({ name, parts }, i) => {
      const y = top + i * rowHeight;
      let x = left;
      const shapes = parts.map(({ kind, title, value }) => {
        const from = x;
        x += value * scale;
        if (value * scale < 0.1) return html``;
        return html`<rect class="${kind}" x="${at(from)}" y="${y + 4}" width="${at(x - from)}" height="${rowHeight - 8}"><title>${title}</title></rect>`;
      });
      return html`<text text-anchor="end" x="${left - 8}" y="${y + rowHeight / 2 + 4}">${name}</text>${shapes}`;
    }),
  ];
  return figure({ ...plot, height, drawing });
}

/** 1500 → "1.5k". */
function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  return value >= 1000 ? `${Number((value / 1000).toPrecision(3))}k` : String(value);
}
