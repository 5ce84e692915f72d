import { invisible } from "../../core/invisible.js";

/** HTML that we wrote: the only thing that a template takes as it is. */
export class Markup {
  constructor(readonly html: string) {}
}

type Value = Markup | string | number | null | readonly Value[];

/**
 * HTML with values put in. A value is escaped unless it is markup itself; null is nothing, and a list
 * is its members. Values belong into text or into quoted attributes.
 *
 * @example
 * html`<p title="${title}">${answer}</p>`
 */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const texts = parts.map((part, i) => (i === 0 ? part : `${rendered(values[i - 1]!)}${part}`));
  return new Markup(texts.join(""));
}

function rendered(value: Value): string {
  if (value === null) return "";
  if (value instanceof Markup) return value.html;
  if (Array.isArray(value)) return value.map(rendered).join("");
  return escapeHtml(String(value));
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text in which nothing is markup and nothing reorders or hides what is read; line breaks stay. */
export function escapeHtml(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/\t/g, " ")
    .replace(invisible, (mark) => (mark === "\n" ? mark : "\ufffd"))
    .replace(/[&<>"']/g, (mark) => entities[mark]!);
}
