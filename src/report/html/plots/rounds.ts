import type { PairedComparison } from "../../../core/entities.js";
import { points } from "../../../core/points.js";
import { nearestToMargin, retentionLabel, usedOf } from "../../../core/retention.js";
import { retainedIn } from "../../evidence.js";
import { interval } from "../../figures.js";
import type { RoundReport, RunReport } from "../../report.js";
import { outcomeOf } from "../../sections.js";
import { html, type Markup } from "../template.js";
import { at, figure, lastRounds, ticks, width } from "./figure.js";

const [left, right, top, bottom] = [48, 12, 12, 34];
const height = 250;

/**
 * Points with intervals over the rounds: the gate's and the retention suite's differences. Of several suites the one that a
 * round brought nearest to its margin, with a dash at that: it says whether all held.
 */
export function decisionsPlot({ rounds, health }: RunReport): Markup | null {
  const decided = rounds.filter(({ decision }) => decision?.gate);
  if (decided.length === 0) return null;
  const { shown, remark } = lastRounds(decided);
  const nearest = shown.map(({ decision }) => nearestToMargin(retainedIn(decision!), usedOf));
  const retained = nearest.filter((each) => each !== undefined);
  const all = [
    ...shown.map(({ decision }) => decision!.gate!),
    ...retained.map(({ comparison }) => comparison),
  ];
  const hasRetention = retained.length > 0;
  const several = retained.some(({ name }) => name !== null);
  const margin = shown.at(-1)?.decision?.margin ?? null;
  const edge = hasRetention && margin !== null ? [-margin] : [];
  const edges = several ? retained.map((each) => -each.margin) : edge;
  // Without a suite there is a column all the same, as with one.
  const names = several ? retainedIn(shown[0]!.decision!).map(({ name }) => name) : [null];
  const lowest = Math.min(0, ...edges, ...all.map(({ low }) => low));
  const scale = scaleOf(lowest, Math.max(0, ...all.map(({ high }) => high)), shown.length);
  const drawing = [
    ...scale.grid((value) => (value === 0 ? "0" : points(value).replace(/\.0$/, ""))),
    ...edge.map((value) => scale.level(value, "line-margin")),
    ...shown.flatMap(({ decision, round }, i) => [
      scale.name(i, `round ${round}`, shown.length),
      scale.interval(i, -5, "gate", decision!.gate!),
      ...(nearest[i] ? [scale.interval(i, 5, "retention", nearest[i].comparison)] : []),
      ...(several && nearest[i] ? [scale.dash(i, 5, -nearest[i].margin, "line-margin")] : []),
    ]),
  ];
  return figure({
    id: "plot-decisions",
    title: `Candidates against what they would replace, in points${remark}`,
    description: sentence(shown),
    height,
    drawing,
    legend: [
      { mark: "gate", text: "gate suite, against the incumbent, with 95% interval" },
      ...(hasRetention
        ? [
            {
              mark: "retention",
              text: several
                ? "the retention suite nearest to its margin, against the base weights"
                : "retention suite, against the base weights",
            },
          ]
        : []),
      ...(edges.length > 0 ? [{ mark: "line-margin", text: "largest loss allowed" }] : []),
    ],
    data: {
      header: ["round", "gate", "95% interval", ...retentionHeader(names), "decision"],
      rows: shown.map((report) => {
        const { round, decision } = report;
        const pair = (comparison: PairedComparison | null | undefined) =>
          comparison ? [points(comparison.difference), interval(comparison)] : ["–", "–"];
        const kept = retainedIn(decision!);
        const cells = names.flatMap((name) =>
          pair(kept.find((each) => each.name === name)?.comparison),
        );
        return [String(round), ...pair(decision!.gate), ...cells, outcomeOf(report, health)];
      }),
    },
  });
}

const retentionHeader = (names: readonly (string | null)[]) =>
  names.flatMap((name) => [retentionLabel(name), "95% interval"]);

function sentence(rounds: readonly RoundReport[]): string {
  const each = rounds.map(
    ({ round, decision }) =>
      `round ${round} ${points(decision!.gate!.difference)} on the gate suite`,
  );
  return `Differences in percentage points: ${each.join("; ")}.`;
}

/** The loss of the last training step, over the rounds. */
export function lossPlot({ rounds }: RunReport): Markup | null {
  const trained = rounds.filter(({ training }) => training !== null && training.loss !== null);
  if (trained.length < 2) return null;
  const { shown, remark } = lastRounds(trained);
  const losses = shown.map(({ training }) => training!.loss!);
  const scale = scaleOf(0, Math.max(...losses), shown.length);
  const line = losses.map((loss, i) => `${at(scale.x(i))} ${at(scale.y(loss))}`).join("L");
  return figure({
    id: "plot-loss",
    title: `Training loss at the last step of each round${remark}`,
    description: `From ${losses[0]!.toFixed(3)} to ${losses.at(-1)!.toFixed(3)}. Rounds train on different examples, so that a lower loss is no proof of a better model.`,
    height,
    drawing: [
      ...scale.grid(String),
      html`<path class="line-loss" d="M${line}"/>`,
      ...shown.flatMap(({ round }, i) => [
        scale.name(i, `round ${round}`, shown.length),
        html`<circle class="loss" cx="${at(scale.x(i))}" cy="${at(scale.y(losses[i]!))}" r="4"/>`,
      ]),
    ],
    legend: [],
    data: {
      header: ["round", "loss", "tokens trained on"],
      rows: shown.map(({ round, training }) => [
        String(round),
        training!.loss!.toFixed(4),
        training!.tokens.toLocaleString("en-US"),
      ]),
    },
  });
}

function scaleOf(low: number, high: number, columns: number) {
  const marks = ticks(low, high);
  const [from, to] = [marks[0]!, marks.at(-1)!];
  const step = (width - left - right) / columns;
  const x = (column: number) => left + (column + 0.5) * step;
  const y = (value: number) => top + ((to - value) / (to - from || 1)) * (height - top - bottom);
  return {
    x,
    y,
    grid: (label: (value: number) => string) =>
      marks.map(
        (value) =>
          html`<path class="${value === 0 ? "zero" : "grid"}" d="M${left} ${at(y(value))}H${width - right}"/><text text-anchor="end" x="${left - 6}" y="${at(y(value) + 4)}">${label(value)}</text>`,
      ),
    level: (value: number, kind: string) =>
      html`<path class="${kind}" d="M${left} ${at(y(value))}H${width - right}"/>`,
    /** Columns that stand close are named now and then. */
    name: (column: number, text: string, columns: number) =>
      column % Math.ceil(columns / 8) === 0
        ? html`<text text-anchor="middle" x="${at(x(column))}" y="${height - 12}">${columns > 5 ? text.replace("round ", "") : text}</text>`
        : html``,
    /** A level beside one interval alone. */
    dash: (column: number, shift: number, value: number, kind: string) => {
      const middle = x(column) + Math.sign(shift) * Math.min(Math.abs(shift) * 2, step / 5);
      return html`<path class="${kind}" d="M${at(middle - 8)} ${at(y(value))}H${at(middle + 8)}"/>`;
    },
    interval: (
      column: number,
      shift: number,
      kind: string,
      { low: from, high: until, difference }: { low: number; high: number; difference: number },
    ) => {
      const middle = x(column) + Math.sign(shift) * Math.min(Math.abs(shift) * 2, step / 5);
      const [a, b, c] = [at(middle), at(y(from)), at(y(until))];
      const bar = html`<path class="bar-${kind}" d="M${a} ${b}V${c}M${at(middle - 4)} ${b}H${at(middle + 4)}M${at(middle - 4)} ${c}H${at(middle + 4)}"/>`;
      const dot = y(difference);
      return kind === "gate"
        ? html`${bar}<circle class="${kind}" cx="${a}" cy="${at(dot)}" r="4.5"/>`
        : html`${bar}<rect class="${kind}" x="${at(middle - 4)}" y="${at(dot - 4)}" width="8" height="8"/>`;
    },
  };
}
