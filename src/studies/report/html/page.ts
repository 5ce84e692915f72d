import { list, table } from "../../../report/html/parts.js";
import { page } from "../../../report/html/shell.js";
import { html, type Markup } from "../../../report/html/template.js";
import { oneLine } from "../../../report/text.js";
import { examplesRemark } from "../examples-text.js";
import {
  costItems,
  flowItems,
  incompleteItems,
  powerItems,
  resultItems,
  retentionItems,
} from "../items.js";
import { methodsParagraph, provenanceItems, references, runTable } from "../methods.js";
import type { StudyReport } from "../report.js";
import { specLines } from "../spec-lines.js";
import { armTable, costTable, criticTable, effectSizeTable, effectTable } from "../tables.js";
import { timeItems } from "../times.js";
import { exampleCards } from "./cards.js";
import { flowPlot } from "./plots/flows.js";
import { forestPlot } from "./plots/forest.js";
import { frontierPlot } from "./plots/frontier.js";
import { heatMap } from "./plots/heat.js";
import { hatch } from "./plots/marks.js";
import { studyStyles } from "./styles.js";

/** Every text is escaped where it is put in; here it is only kept short. */
const safe = (text: string) => oneLine(text, 500);

/**
 * The report as one HTML page that needs nothing but itself: no script, no network, no font. The same
 * report gives the same bytes.
 */
export function renderStudyHtml(report: StudyReport): string {
  const { analysis, spec, study } = report;
  const { primary, learned } = analysis;
  const parts: [id: string, title: string, content: (Markup | null)[]][] = [
    [
      "result",
      "Result",
      [
        forestPlot("plot-compute", "Against equal compute, in points", primary, report),
        list(resultItems(report, safe)),
        table("In other words, and by other tests", effectSizeTable(primary, report)),
      ],
    ],
    [
      "untrained",
      "Against the untrained weights",
      [
        forestPlot("plot-untrained", "Against the untrained weights, in points", learned, report),
        list(retentionItems(report, safe)),
      ],
    ],
    [
      "arms",
      "Arms and outcomes",
      [table("Everything measured of each arm", armTable(report, safe))],
    ],
    [
      "effects",
      "Main effects",
      [table("Each factor, the others evened out", effectTable(report, safe))],
    ],
    ["tasks", "Task by task", [heatMap(report)]],
    [
      "critics",
      "Critiques by themselves",
      [table("Told of nothing that the verifier found", criticTable(report, safe))],
    ],
    ["flows", "What was fixed and what was broken", [list(flowItems(report)), flowPlot(report)]],
    [
      "cost",
      "Cost",
      [
        list(costItems(report)),
        frontierPlot(report),
        table("Tokens of each stage, the mean of an arm's runs", costTable(report)),
      ],
    ],
    ["examples", "Side by side", examples(report)],
    ["power", "What the study could see", [list(powerItems(report))]],
    ["incomplete", "Not as planned", [list(incompleteItems(report, safe))]],
    ["methods", "Methods", methods(report)],
    [
      "reproduce",
      "What reproduces it",
      [
        list(provenanceItems(report)),
        html`<pre><code>${specLines(spec).join("\n")}</code></pre>`,
        table("Runs", runTable(report)),
      ],
    ],
    ["went", "How it went", [list(timeItems(report))]],
  ];
  return page({
    title: study,
    lede: sentence(report),
    styles: studyStyles,
    header: [spec.question === "" ? null : html`<p class="soft">${safe(spec.question)}</p>`, hatch],
    parts,
    footer: "Made by redistill from the study's database: the same rows give the same page.",
  });
}

function examples(report: StudyReport): Markup[] {
  const remark = examplesRemark(report, safe);
  if (remark === null) return [];
  return [html`<p>${remark}</p>`, ...exampleCards(report.examples!)];
}

function methods(report: StudyReport): Markup[] {
  const cited = references(report).map(
    ({ number, text }) => html`<li value="${number}">${text}</li>\n`,
  );
  return [html`<p>${methodsParagraph(report)}</p>\n<h3>References</h3>\n<ol>\n${cited}</ol>`];
}

/** The headline without the study's name, which stands over it. */
function sentence({ study, headline }: StudyReport): string {
  const rest = headline.startsWith(`${study}: `) ? headline.slice(study.length + 2) : headline;
  return `${rest.charAt(0).toUpperCase()}${rest.slice(1)}`;
}
