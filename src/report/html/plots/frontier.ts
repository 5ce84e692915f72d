import { percent } from "../../figures.js";
import { frontierTable, nearestSuite } from "../../frontier.js";
import type { FrontierPoint, RunReport } from "../../report.js";
import { html, type Markup } from "../template.js";
import { at, figure, lastRounds, ticks, width } from "./figure.js";

const [left, right, top, bottom, height] = [52, 16, 14, 44, 250];

/** Candidates' right answers on the gate suite against the tokens that their rounds asked for. */
export function frontierPlot({ frontier }: RunReport): Markup | null {
  if (frontier.length < 2) return null;
  const { shown, remark } = lastRounds(frontier);
  const x = scaleOf(
    shown.map(({ tokens }) => tokens),
    [left, width - right],
  );
  const y = scaleOf(
    shown.map(({ gate }) => gate),
    [height - bottom, top],
  );
  const best = shown.filter(({ efficient }) => efficient).map(({ round }) => round);
  return figure({
    id: "plot-frontier",
    title: `Gate tasks right against tokens, by round${remark}`,
    description: `No other round is better in gate, retention, tokens asked and tokens trained on than ${best.length === 1 ? "round" : "rounds"} ${best.join(", ")}.`,
    height,
    drawing: [
      ...y.marks.map(
        (value) =>
          html`<path class="grid" d="M${left} ${at(y.place(value))}H${width - right}"/><text text-anchor="end" x="${left - 6}" y="${at(y.place(value) + 4)}">${percent(value).replace(".0%", "%")}</text>`,
      ),
      ...x.marks.map(
        (value) =>
          html`<text text-anchor="middle" x="${at(x.place(value))}" y="${height - bottom + 16}">${value.toLocaleString("en-US")}</text>`,
      ),
      html`<text text-anchor="middle" x="${(left + width - right) / 2}" y="${height - 8}">tokens asked in the round</text>`,
      ...shown.map((point) => mark(point, x.place(point.tokens), y.place(point.gate))),
    ],
    legend: [
      { mark: "gate", text: "no other round is better" },
      { mark: "retention", text: "another one is" },
      ...(shown.some(beyond)
        ? [{ mark: html``, text: "beside a round: the retention suite furthest beyond its margin" }]
        : []),
    ],
    data: frontierTable({ frontier: shown }),
  });
}

/** The suite that speaks against a round; there is no room to name what did no harm. */
function beyond(point: FrontierPoint): string | null {
  const nearest = nearestSuite(point);
  return nearest !== undefined && nearest.used > 1 ? nearest.name : null;
}

function mark(point: FrontierPoint, x: number, y: number): Markup {
  const { round, efficient } = point;
  const suite = beyond(point);
  const shape = efficient
    ? html`<circle class="gate" cx="${at(x)}" cy="${at(y)}" r="4.5"/>`
    : html`<rect class="retention" x="${at(x - 4)}" y="${at(y - 4)}" width="8" height="8"/>`;
  const name = suite === null ? `${round}` : `${round} ${suite}`;
  // A name is longer than a number: on the right half it stands to the left.
  return suite !== null && x > width / 2
    ? html`${shape}<text text-anchor="end" x="${at(x - 7)}" y="${at(y - 6)}">${name}</text>`
    : html`${shape}<text x="${at(x + 7)}" y="${at(y - 6)}">${name}</text>`;
}

function scaleOf(values: readonly number[], [from, to]: readonly [number, number]) {
  const marks = ticks(Math.min(...values), Math.max(...values), 4);
  const [low, high] = [marks[0]!, marks.at(-1)!];
  const place = (value: number) => from + ((value - low) / (high - low || 1)) * (to - from);
  return { marks, place };
}
