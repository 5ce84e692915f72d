import type { Item } from "./sections.js";

/** A section with its title on a line of its own; nothing where it has nothing to say. */
export function section(title: string, items: readonly Item[]): string {
  if (items.length === 0) return "";
  const lines = items.flatMap(({ text, details }) => [
    `  ${text}`,
    ...details.map((detail) => `      ${detail}`.trimEnd()),
  ]);
  return [title, ...lines].join("\n");
}

/** A block under its title; nothing where the block is empty. */
export function headed(title: string, block: string): string {
  return block === "" ? "" : `${title}\n${block}`;
}

/** Columns side by side: the first to the left, figures to the right. */
export function aligned({
  header,
  rows,
}: {
  header: readonly string[];
  rows: readonly string[][];
}): string {
  if (rows.length === 0) return "";
  const widths = header.map((title, i) =>
    Math.max(...[title, ...rows.map((row) => row[i]!)].map((cell) => cell.length)),
  );
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")}`;
  return [line(header), ...rows.map(line)].join("\n");
}
