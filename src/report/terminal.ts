import { clusterItems } from "./clusters.js";
import { plural } from "./figures.js";
import { frontierTable, frontierTitle } from "./frontier.js";
import { healthItems, healthTable } from "./health.js";
import { judgeItems } from "./judge.js";
import { memoryItems } from "./memory.js";
import { planItems } from "./plans.js";
import type { Health, RoundReport, RunReport } from "./report.js";
import {
  adviceItems,
  basisItems,
  changeGroups,
  type Item,
  resultItems,
  reworkedItems,
  roundFigures,
  roundReasons,
  type Style,
} from "./sections.js";
import { aligned, headed, section } from "./terminal-parts.js";
import { oneLine } from "./text.js";
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

/** Text of others on a terminal: one line, in which nothing can move a cursor. */
export const terminalStyle: Style = {
  quote: (text) => oneLine(text) || "(nothing)",
  plain: (text) => oneLine(text, 500),
  prose: (text) => oneLine(text, 1000),
};

const style = terminalStyle;

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
    section("Failures by what went wrong", clusterItems(report, style)),
    section("Plans", planItems(report, style)),
    headed(trialsTitle, aligned(trialsTable(report))),
    section("Critique prompts of the coach", writtenItems(report, style)),
    headed(frontierTitle, aligned(frontierTable(report))),
    section("What it remembers", memoryItems(report, style)),
    section("The judge", judgeItems(report)),
    section("Health of learning", healthItems(report, style)),
    aligned(healthTable(report, mostColumns)),
    section("What this rests on", basisItems(report, style)),
    section("How it went", faultItems(report, style)),
    section("Timeline", timelineItems(report, style)),
    section(spendTitle(report), spendItems(report)),
    aligned(roundCostTable(report)),
    aligned(stageCostTable(report)),
    useBlock(report),
    section("What to do next", adviceItems(report, style)),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
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
      ...details,
    ],
  };
}

function useBlock(report: RunReport): string {
  const ways = waysToUse(report).map(({ title, lines }) => ({ text: `${title}:`, details: lines }));
  const items = bestItems(report).map((text) => ({ text, details: [] }));
  return section("The best adapter, and how to use it", [...items, ...ways]);
}
