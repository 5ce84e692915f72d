import {
  type SymbolType,
  symbol,
  symbolCircle,
  symbolDiamond2,
  symbolSquare2,
  symbolTriangle,
  symbolX,
} from "d3-shape";
import type { ArmRole } from "../../../../core/study.js";
import { at } from "../../../../report/html/plots/figure.js";
import { html, type Markup } from "../../../../report/html/template.js";
import type { Finding } from "../../../analysis.js";

/** Shapes say what colours say, for those who print or do not tell colours apart. */
const findingMarks: Record<Finding, readonly [shape: SymbolType, kind: string]> = {
  better: [symbolTriangle, "mark-gain"],
  worse: [symbolSquare2, "mark-loss"],
  equivalent: [symbolDiamond2, "mark-same"],
  open: [symbolCircle, "mark-open"],
  stopped: [symbolX, "mark-stopped"],
};

const roleMarks: Record<ArmRole, readonly [shape: SymbolType, kind: string]> = {
  treatment: [symbolCircle, "mark-gain"],
  "equal-compute": [symbolSquare2, "mark-loss"],
  untrained: [symbolDiamond2, "mark-same"],
};

export function findingMark(finding: Finding, x: number, y: number): Markup {
  return mark(findingMarks[finding], x, y);
}

export function roleMark(role: ArmRole, x: number, y: number): Markup {
  return mark(roleMarks[role], x, y);
}

function mark([shape, kind]: readonly [SymbolType, string], x: number, y: number): Markup {
  const path = symbol(shape, 60)();
  return html`<path class="${kind}" transform="translate(${at(x)} ${at(y)})" d="${path}"/>`;
}

/** Lines across a shape, over its colour: losses are told from gains without it. */
export function hatched(path: string, kind: string): Markup {
  return html`<path class="${kind}" d="${path}"/><path fill="url(#hatch)" d="${path}"/>`;
}

/** What `hatched` is filled with; once on a page. */
export const hatch = html`<svg class="hatch-lines" width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V4"/></pattern></defs></svg>`;

/** A text cut to fit beside a plot. */
export function label(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}
