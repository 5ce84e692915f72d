import type { Item } from "../../report/sections.js";
import { aligned, section } from "../../report/terminal-parts.js";
import { oneLine } from "../../report/text.js";
import { textForest } from "./dot-plot.js";
import { examplesRemark, exampleTexts } from "./examples-text.js";
import {
  costItems,
  flowItems,
  incompleteItems,
  powerItems,
  resultItems,
  retentionItems,
} from "./items.js";
import { methodsParagraph, provenanceItems, references } from "./methods.js";
import type { StudyReport } from "./report.js";
import {
  armTable,
  comparisonTable,
  costTable,
  criticTable,
  effectSizeTable,
  effectTable,
  flowTable,
  type TextTable,
} from "./tables.js";
import { timeItems } from "./times.js";

const safe = (text: string) => oneLine(text, 500);

/** The report as plain text for a terminal; nothing in it can move a cursor. */
export function renderStudyTerminal(report: StudyReport): string {
  const { analysis, spec } = report;
  const blocks = [
    `${report.headline}.`,
    spec.question === "" ? "" : safe(spec.question),
    section("Result", resultItems(report, safe)),
    titled("Against equal compute", comparisonTable(analysis.primary, report, safe)),
    textForest(analysis.primary)
      .map((line) => `  ${line}`)
      .join("\n"),
    titled("In other words, and by other tests", effectSizeTable(analysis.primary, report)),
    titled("Against the untrained weights", comparisonTable(analysis.learned, report, safe)),
    section("What was retained", retentionItems(report, safe)),
    titled("Arms and outcomes", armTable(report, safe)),
    titled("Main effects", effectTable(report, safe)),
    titled("Critiques by themselves", criticTable(report, safe)),
    section("What was fixed and what was broken", flowItems(report)),
    aligned(flowTable(report, safe)),
    section("Cost", costItems(report)),
    aligned(costTable(report)),
    section("Side by side", exampleItems(report)),
    section("What the study could see", powerItems(report)),
    section("Not as planned", incompleteItems(report, safe)),
    `Methods\n  ${methodsParagraph(report)}`,
    section(
      "References",
      references(report).map(({ number, text }) => ({ text: `[${number}] ${text}`, details: [] })),
    ),
    section("What reproduces it", provenanceItems(report)),
    section("How it went", timeItems(report)),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function titled(title: string, table: TextTable): string {
  return table.rows.length === 0 ? "" : `${title}\n${aligned(table)}`;
}

function exampleItems(report: StudyReport): Item[] {
  const remark = examplesRemark(report, safe);
  if (remark === null) return [];
  const quote = (text: string) => oneLine(text, 600) || "(nothing)";
  const items = exampleTexts(report.examples!).map(({ title, task, expected, before, after }) => ({
    text: `${title}: ${quote(task)}`,
    details: [
      ...(expected === null ? [] : [`Expected: ${quote(expected)}`]),
      `${report.examples!.before}: ${quote(before)}`,
      `${report.examples!.after}: ${quote(after)}`,
    ],
  }));
  return [{ text: remark, details: [] }, ...items];
}
