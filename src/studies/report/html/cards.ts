import { badge, quote } from "../../../report/html/parts.js";
import { html, type Markup } from "../../../report/html/template.js";
import type { Examples } from "../report.js";
import { type Piece, wordDifference } from "../words.js";

/** Answers of two arms to one task side by side, each word that only one of them has marked. */
export function exampleCards({ shown, before, after }: Examples): Markup[] {
  return shown.map((example) => {
    const difference = wordDifference(example.before.answer, example.after.answer);
    const side = (arm: string, pieces: Markup, outcome: string) =>
      html`<div><p class="note">${arm} ${badge(outcome)}</p>${pieces}</div>`;
    return html`
<article class="card"><dl><dt>Task</dt><dd>${quote(example.task)}</dd>
${example.expected === null ? null : html`<dt>Expected</dt><dd>${quote(example.expected)}</dd>\n`}</dl>
<div class="side">${side(before, marked(difference.before, "del"), example.before.outcome)}${side(after, marked(difference.after, "ins"), example.after.outcome)}</div></article>`;
  });
}

function marked(pieces: readonly Piece[], element: "del" | "ins"): Markup {
  if (pieces.every(({ text }) => text === "")) return quote("");
  const parts = pieces.map(({ text, changed }) => {
    if (!changed) return html`${text}`;
    return element === "del" ? html`<del>${text}</del>` : html`<ins>${text}</ins>`;
  });
  return html`<blockquote class="quote" dir="auto">${parts}</blockquote>`;
}
