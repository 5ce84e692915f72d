import { plural } from "./figures.js";
import { healthItems, healthTable } from "./health.js";
import type { Health, RoundReport, RunReport } from "./report.js";
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
import { oneLine } from "./text.js";

const style: Style = {
  quote: (text) => oneLine(text) || "(nothing)",
  plain: (text) => oneLine(text, 500),
};

/** Rounds that the table of monitors has room for: the latest. */
const mostColumns = 6;

/** The report as plain text for a terminal; nothing in it can move a cursor. */
export function renderTerminal(report: RunReport): string {
  const blocks = [
    `${report.headline}.`,
    ...(report.description === "" ? [] : [oneLine(report.description, 500)]),
    section("Result", resultItems(report)),
    section(
      "Rounds",
      report.rounds.map((round) => roundItem(round, report.health)),
    ),
    ...changeGroups(report, style).map(({ title, items }) => section(title, items)),
    section("From draft to revision", reworkedItems(report, style)),
    section("Health of learning", healthItems(report, style)),
    aligned(healthTable(report, mostColumns)),
    section("What this rests on", basisItems(report)),
    section("How it went", historyItems(report, style)),
    aligned(costTable(report)),
    section("Spend against budget", spendItems(report)),
    aligned(spendTable(report.howItWent.spend)),
    section("Try next", commandItems(report)),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function section(title: string, items: readonly Item[]): string {
  if (items.length === 0) return "";
  const lines = items.flatMap(({ text, details }) => [
    `  ${text}`,
    ...details.map((detail) => `      ${detail}`),
  ]);
  return [title, ...lines].join("\n");
}

function roundItem(report: RoundReport, health: Health): Item {
  const { text, details } = roundReasons(report, health, style);
  const figures = roundFigures(report, health);
  const { examples } = report;
  const total = examples.attempt + examples.revision + examples.replay;
  return {
    text,
    details: [
      `Attempts ok ${figures.attempts}, tasks solved ${figures.solved}; ${plural(report.critiques, "critique")}; revisions ok ${figures.revisions}, tasks fixed ${figures.fixed}.`,
      `${plural(total, "example")}: ${examples.attempt} from attempts, ${examples.revision} from revisions, ${examples.replay} rehearsed${report.training ? `; loss ${figures.loss}` : ""}.`,
      ...(report.decision?.gate
        ? [
            `Gate ${figures.gate}: ${figures.difference} points, one-sided ${figures.level.replace("(", "(level ")}; retention ${figures.retention}.`,
          ]
        : []),
      ...details,
    ],
  };
}

function commandItems(report: RunReport): Item[] {
  const commands = nextCommands(report);
  const width = Math.min(60, Math.max(...commands.map(([command]) => command.length)));
  return commands.map(([command, what]) => ({
    text: `${command.padEnd(width)}  ${what}`,
    details: [],
  }));
}

/** Columns side by side: the first to the left, figures to the right. */
function aligned({
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
