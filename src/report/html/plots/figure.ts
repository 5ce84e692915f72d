import { type Table, table } from "../parts.js";
import { html, Markup } from "../template.js";

/** Width of every plot in its own units; the page scales it. */
export const width = 480;

export interface Figure {
  readonly id: string;
  readonly title: string;
  /** What the plot shows in a sentence, for those who do not see it. */
  readonly description: string;
  readonly height: number;
  readonly drawing: readonly Markup[];
  /** A mark is drawn in a square of 12: by its class, or as it is. */
  readonly legend: readonly { readonly mark: string | Markup; readonly text: string }[];
  readonly data: Table;
}

/** A plot with its legend, and the figures that it was drawn from in a table under it. */
export function figure(plot: Figure): Markup {
  const { id, title, description, height, drawing, legend, data } = plot;
  return html`<figure>
<figcaption>${title}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" font-size="12" aria-labelledby="${id}-t ${id}-d">
<title id="${id}-t">${title}</title>
<desc id="${id}-d">${description}</desc>
${drawing.map((shape) => html`${shape}\n`)}</svg>
<ul class="legend">${legend.map(({ mark, text }) => html`<li><svg viewBox="0 0 12 12" class="key" aria-hidden="true">${markOf(mark)}</svg>${text}</li>`)}</ul>
<details><summary>The figures of this plot</summary>
${table(title, data)}
</details>
</figure>`;
}

function markOf(mark: string | Markup): Markup {
  if (mark instanceof Markup) return mark;
  if (mark.startsWith("line")) return html`<path class="${mark}" d="M0 6H12"/>`;
  if (mark === "gate") return html`<circle class="${mark}" cx="6" cy="6" r="4.5"/>`;
  return html`<rect class="${mark}" x="1" y="1" width="10" height="10"/>`;
}

/** A number for a coordinate: two decimals are finer than any screen. */
export function at(value: number): string {
  return String(Number(value.toFixed(2)));
}

/** Round numbers that divide a range into about `count` parts, both its ends within. */
export function ticks(low: number, high: number, count = 5): number[] {
  const raw = (high - low || 1) / count;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * unit).find((size) => size >= raw)!;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** Rounds that a plot has room for; of more, the last ones. */
export function lastRounds<T>(rounds: readonly T[]): { shown: readonly T[]; remark: string } {
  const most = 40;
  const shown = rounds.slice(-most);
  const remark = rounds.length > most ? ` (the last ${most} of ${rounds.length} rounds)` : "";
  return { shown, remark };
}
