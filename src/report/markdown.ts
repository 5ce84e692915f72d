import { healthItems, healthTable } from "./health.js";
import type { RunReport } from "./report.js";
import {
  basisItems,
  changeGroups,
  costTable,
  historyItems,
  type Item,
  nextCommands,
  resultItems,
  reworkedItems,
  roundFigures,
  roundReasons,
  type Style,
  spendItems,
} from "./sections.js";
import { spendTable } from "./spend.js";
import { code, escaped } from "./text.js";

const style: Style = { quote: code, plain: escaped };

const columns = [
  ["attempts", "attempts ok"],
  ["solved", "tasks solved"],
  ["critiques", "critiques"],
  ["revisions", "revisions ok"],
  ["fixed", "tasks fixed"],
  ["examples", "examples: attempts + revisions + rehearsal"],
  ["loss", "loss"],
  ["gate", "gate: incumbent → candidate"],
  ["difference", "points (95% interval)"],
  ["level", "one-sided p (level)"],
  ["retention", "retention, points"],
  ["decision", "decision"],
] as const;

/**
 * The report as Markdown. What models and task files wrote is in code spans, so that none of it is
 * markup; everything that a disturbance would change is in the section "How it went".
 */
export function renderMarkdown(report: RunReport): string {
  const blocks = [
    `# ${report.run}`,
    `**${report.headline}.**`,
    ...(report.description === "" ? [] : [escaped(report.description)]),
    ...section("Result", list(resultItems(report))),
    ...(report.rounds.length === 0 ? [] : section("Rounds", ...roundBlocks(report))),
    ...changeBlocks(report),
    ...(report.reworked.length === 0
      ? []
      : section("From draft to revision", list(reworkedItems(report, style)))),
    ...section("Health of learning", table(healthTable(report)), list(healthItems(report, style))),
    ...section("What this rests on", list(basisItems(report))),
    ...section("How it went", list(historyItems(report, style)), table(costTable(report))),
    "### Spend against budget",
    list(spendItems(report)),
    table(spendTable(report.howItWent.spend)),
    ...section(
      "Try next",
      list(
        nextCommands(report).map(([command, what]) => ({
          text: `${code(command)}: ${what}`,
          details: [],
        })),
      ),
    ),
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function section(title: string, ...blocks: string[]): string[] {
  return blocks.every((block) => block === "") ? [] : [`## ${title}`, ...blocks];
}

function roundBlocks(report: RunReport): string[] {
  const rows = report.rounds.map((round) => {
    const figures = roundFigures(round, report.health);
    return [String(round.round), ...columns.map(([key]) => figures[key])];
  });
  return [
    table({ header: ["round", ...columns.map(([, title]) => title)], rows }),
    list(report.rounds.map((round) => roundReasons(round, report.health, style))),
  ];
}

function changeBlocks(report: RunReport): string[] {
  const groups = changeGroups(report, style);
  return section(
    "Before and after",
    ...groups.flatMap(({ title, items }) => [`### ${title}`, list(items)]),
  );
}

function list(items: readonly Item[]): string {
  return items
    .map(({ text, details }) =>
      [`- ${text}`, ...details.map((detail) => `  - ${detail}`)].join("\n"),
    )
    .join("\n");
}

function table({ header, rows }: { header: readonly string[]; rows: readonly string[][] }): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
