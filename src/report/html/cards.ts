import type { JudgedAnswer, RunReport } from "../report.js";
import { groupsOf } from "../sections.js";
import { oneLine } from "../text.js";
import { badge, quote } from "./parts.js";
import { html, type Markup } from "./template.js";

/** Tasks that came right or went wrong, side by side. */
export function changeCards({ changes, forgotten }: RunReport): Markup[] {
  return groupsOf(changes, forgotten).map(({ title, of, shown }) => {
    const cards = shown.map(({ suite, task, expected, before, after }) =>
      card([
        [suite === undefined ? "Task" : `Task (${suite})`, quote(task)],
        ...(expected === null ? [] : [["Expected", quote(expected)] as const]),
        [of.before, judged(before)],
        [of.after, judged(after)],
      ]),
    );
    return html`<h3>${title}</h3>${cards}`;
  });
}

/** Drafts that the model put right itself. */
export function reworkedCards({ reworked }: RunReport): Markup[] {
  return reworked.map(({ round, task, draft, critique, revision }) =>
    card([
      [`Round ${round}, task`, quote(task)],
      ["Draft", quote(draft)],
      ...(critique === null ? [] : [["Critique", quote(critique)] as const]),
      ["Revision", quote(revision)],
    ]),
  );
}

function judged({ answer, outcome, finding }: JudgedAnswer): Markup {
  return html`${quote(answer)}<p class="note">${badge(outcome)} ${oneLine(finding, 500)}</p>`;
}

function card(rows: readonly (readonly [name: string, content: Markup])[]): Markup {
  return html`
<article class="card"><dl>
${rows.map(([name, content]) => html`<dt>${name}</dt><dd>${content}</dd>\n`)}</dl></article>`;
}
