import { list, section, table } from "../../report/markdown-parts.js";
import { code, escaped } from "../../report/text.js";
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
import { methodsParagraph, provenanceItems, references, runTable } from "./methods.js";
import type { StudyReport } from "./report.js";
import { specLines } from "./spec-lines.js";
import {
  armTable,
  comparisonTable,
  costTable,
  criticTable,
  effectSizeTable,
  effectTable,
  flowTable,
} from "./tables.js";
import { timeItems } from "./times.js";

/**
 * The report as Markdown, for a repository or a paper's draft. What models and files wrote is in code spans or
 * escaped, so that none of it is markup. The plots are in the HTML report.
 */
export function renderStudyMarkdown(report: StudyReport): string {
  const { analysis, spec } = report;
  const blocks = [
    `# ${report.study}`,
    `**${report.headline}.**`,
    ...(spec.question === "" ? [] : [escaped(spec.question)]),
    ...section("Result", list(resultItems(report, escaped))),
    ...section(
      "Against equal compute",
      table(comparisonTable(analysis.primary, report, escaped)),
      block(textForest(analysis.primary)),
      table(effectSizeTable(analysis.primary, report)),
    ),
    ...section(
      "Against the untrained weights",
      table(comparisonTable(analysis.learned, report, escaped)),
      list(retentionItems(report, escaped)),
    ),
    ...section("Arms and outcomes", table(armTable(report, escaped))),
    ...section("Main effects", table(effectTable(report, escaped))),
    ...section("Critiques by themselves", table(criticTable(report, escaped))),
    ...section(
      "What was fixed and what was broken",
      list(flowItems(report)),
      table(flowTable(report, escaped)),
    ),
    ...section("Cost", list(costItems(report)), table(costTable(report))),
    ...exampleBlocks(report),
    ...section("What the study could see", list(powerItems(report))),
    ...section("Not as planned", list(incompleteItems(report, escaped))),
    "## Methods",
    methodsParagraph(report),
    ...section(
      "References",
      references(report)
        .map(({ number, text }) => `- [${number}] ${text}`)
        .join("\n"),
    ),
    ...section(
      "What reproduces it",
      list(provenanceItems(report)),
      table(runTable(report)),
      block(specLines(spec)),
    ),
    ...section("How it went", list(timeItems(report))),
  ];
  return `${blocks.filter((each) => each !== "").join("\n\n")}\n`;
}

/** A code block, its fence longer than any in the lines. */
function block(lines: readonly string[]): string {
  if (lines.length === 0) return "";
  const runs = [...lines.join("\n").matchAll(/`+/g)].map(([run]) => run.length);
  const fence = "`".repeat(Math.max(3, ...runs.map((run) => run + 1)));
  return [fence, ...lines, fence].join("\n");
}

function exampleBlocks(report: StudyReport): string[] {
  const remark = examplesRemark(report, escaped);
  if (remark === null) return [];
  const { before, after } = report.examples!;
  const items = exampleTexts(report.examples!).map((example) => ({
    text: `${example.title}: ${code(example.task)}`,
    details: [
      ...(example.expected === null ? [] : [`Expected: ${code(example.expected)}`]),
      `${before}: ${code(example.before)}`,
      `${after}: ${code(example.after)}`,
    ],
  }));
  return section("Side by side", remark, list(items));
}
