import type { Item } from "../sections.js";
import { html, type Markup } from "./template.js";

/** Characters of an answer that are shown at most. */
const shown = 600;

/** A section with a heading; nothing where it has nothing to say. */
export function section(id: string, title: string, ...content: (Markup | null)[]): Markup | null {
  const there = content.filter((part) => part !== null && part.html !== "");
  if (there.length === 0) return null;
  return html`
<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${there}
</section>`;
}

/** Sentences, each with what is to be said of it under it. */
export function list(items: readonly Item[]): Markup {
  if (items.length === 0) return html``;
  const rows = items.map(
    ({ text, details }) =>
      html`<li>${prose(text)}${details.length === 0 ? null : html`<ul>${details.map((each) => html`<li>${prose(each)}</li>`)}</ul>`}</li>\n`,
  );
  return html`<ul class="items">\n${rows}</ul>`;
}

/** Text in which `this` is something to type. */
export function prose(text: string): Markup[] {
  return text
    .split(/`([^`]+)`/)
    .map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A table that scrolls within itself on a narrow screen; its first column names the row. */
export function table(caption: string, { header, rows }: Table): Markup {
  if (rows.length === 0) return html``;
  const body = rows.map(
    ([first, ...rest]) =>
      html`<tr><th scope="row">${first!}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>\n`,
  );
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
<table>
<caption>${caption}</caption>
<thead><tr>${header.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>
${body}</tbody>
</table>
</div>`;
}

/** What a model or a task file wrote: as it is, cut where it is long, and kept from its surroundings. */
export function quote(text: string): Markup {
  const characters = [...text.trim()];
  if (characters.length === 0) return html`<p class="quote nothing">(nothing)</p>`;
  const cut = characters.slice(0, shown).join("");
  const rest = characters.length - shown;
  return html`<blockquote class="quote" dir="auto">${cut}${rest > 0 ? "…" : null}</blockquote>${
    rest > 0 ? html`<p class="note">${rest} more characters</p>` : null
  }`;
}

/** A word in a coloured frame; the colour only repeats what the word says. */
export function badge(word: string): Markup {
  const tones: Record<string, string> = { promoted: "good", ok: "good", finished: "good" };
  const bad = ["rejected", "wrong", "failed", "rolled back"].includes(word);
  return html`<span class="badge ${tones[word] ?? (bad ? "bad" : "plain")}">${word}</span>`;
}
