import { clusterItems } from "./clusters.js";
import { frontierTable, frontierTitle } from "./frontier.js";
import { healthItems, healthTable } from "./health.js";
import { judgeItems } from "./judge.js";
import { list, section, table } from "./markdown-parts.js";
import { memoryItems } from "./memory.js";
import { planItems } from "./plans.js";
import type { RunReport } from "./report.js";
import {
  adviceItems,
  basisItems,
  changeGroups,
  resultItems,
  reworkedItems,
  roundColumns,
  roundFigures,
  roundReasons,
  type Style,
} from "./sections.js";
import { code, escaped, prose } from "./text.js";
import { trialsTable, trialsTitle, writtenItems } from "./trials.js";
import { bestItems, waysToUse } from "./use.js";
import {
  faultItems,
  roundCostTable,
  spendItems,
  spendTitle,
  stageCostTable,
  timelineItems,
} from "./went.js";

const style: Style = { quote: code, plain: escaped, prose };

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
    ...section("What to do next", list(adviceItems(report, style))),
    ...(report.rounds.length === 0 ? [] : section("Rounds", ...roundBlocks(report))),
    ...changeBlocks(report),
    ...(report.reworked.length === 0
      ? []
      : section("From draft to revision", list(reworkedItems(report, style)))),
    ...section("Failures by what went wrong", list(clusterItems(report, style))),
    ...section("Plans", list(planItems(report, style))),
    ...section(trialsTitle, table(trialsTable(report)), list(writtenItems(report, style))),
    ...section(frontierTitle, table(frontierTable(report))),
    ...section("What it remembers", list(memoryItems(report, style))),
    ...section("The judge", list(judgeItems(report))),
    ...section("Health of learning", table(healthTable(report)), list(healthItems(report, style))),
    ...useBlocks(report),
    ...section("What this rests on", list(basisItems(report, style))),
    ...section("How it went", list(faultItems(report, style))),
    "### Timeline",
    list(timelineItems(report, style)),
    `### ${spendTitle(report)}`,
    list(spendItems(report)),
    table(roundCostTable(report)),
    table(stageCostTable(report)),
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function roundBlocks(report: RunReport): string[] {
  const rows = report.rounds.map((round) => {
    const figures = roundFigures(round, report.health);
    return [String(round.round), ...roundColumns.map(([key]) => figures[key])];
  });
  return [
    table({ header: ["round", ...roundColumns.map(([, title]) => title)], rows }),
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

function useBlocks(report: RunReport): string[] {
  const ways = waysToUse(report).flatMap(({ title, lines }) => [
    `${title}:`,
    lines.map((line) => (line === "" ? "" : `    ${line}`)).join("\n"),
  ]);
  const items = bestItems(report).map((text) => ({ text, details: [] }));
  return section("The best adapter, and how to use it", list(items), ...ways);
}
