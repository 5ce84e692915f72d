import type { Item } from "./sections.js";

/** A section with a heading; nothing where it has nothing to say. */
export function section(title: string, ...blocks: string[]): string[] {
  return blocks.every((block) => block === "") ? [] : [`## ${title}`, ...blocks];
}

/** Sentences, each with what is to be said of it under it; all of it safe as Markdown already. */
export function list(items: readonly Item[]): string {
  return items
    .map(({ text, details }) =>
      [`- ${text}`, ...details.map((detail) => `  - ${detail}`)].join("\n"),
    )
    .join("\n");
}

/** A table of cells that are safe as Markdown already. */
export function table({
  header,
  rows,
}: {
  header: readonly string[];
  rows: readonly string[][];
}): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
