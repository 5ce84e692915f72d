import { points } from "../../core/points.js";
import { clusterItems, clusterTable } from "../clusters.js";
import { accuracy, interval, pValue } from "../figures.js";
import { healthItems, healthTable } from "../health.js";
import { memoryItems } from "../memory.js";
import { planItems } from "../plans.js";
import type { RunReport, SuiteReport } from "../report.js";
import {
  basisItems,
  resultItems,
  roundColumns,
  roundFigures,
  roundReasons,
  type Style,
  suiteLabel,
} from "../sections.js";
import { oneLine } from "../text.js";
import { trialsTable, writtenItems } from "../trials.js";
import { bestItems, waysToUse } from "../use.js";
import {
  faultItems,
  roundCostTable,
  spendItems,
  spendTitle,
  stageCostTable,
  timelineRows,
} from "../went.js";
import { badge, list, prose, table } from "./parts.js";
import { timePlot, tokensPlot } from "./plots/bars.js";
import { decisionsPlot } from "./plots/rounds.js";
import { html, type Markup } from "./template.js";

/** Every text is escaped where it is put in; here it is only kept short. */
const short: Style = {
  quote: (text) => oneLine(text),
  plain: (text) => oneLine(text, 500),
  prose: (text) => oneLine(text, 1000),
};

/** The suites' figures, large. */
export function tiles({ suites }: RunReport): Markup | null {
  if (suites.length === 0) return null;
  return html`<div class="tiles">${suites.map(tile)}</div>`;
}

function tile(report: SuiteReport): Markup {
  const { suite, name, tasks, base, comparison } = report;
  const called = `${suite} suite${name === undefined ? "" : ` (${name})`}`;
  const score = comparison
    ? html`${accuracy(comparison.baseline)} <span class="arrow">→</span> ${accuracy(comparison.candidate)}`
    : html`${accuracy(base)}`;
  const under = comparison
    ? `${points(comparison.difference)} points (${interval(comparison)})`
    : "the base weights";
  return html`
<div class="tile"><p class="soft">${called}, ${tasks} tasks</p><p class="big">${score}</p><p class="soft">${under}</p></div>`;
}

export function results(report: RunReport): Markup[] {
  const compared = report.suites.flatMap((suite) =>
    suite.comparison === null ? [] : [{ label: suiteLabel(suite), ...suite.comparison }],
  );
  const rows = compared.map((each) => [
    each.label,
    String(each.tasks),
    accuracy(each.baseline),
    accuracy(each.candidate),
    points(each.difference),
    interval(each),
    pValue(each.pDifferent),
    `${each.gained} / ${each.lost}`,
  ]);
  // The sentences themselves are the headline, the tiles and the table.
  const remarks = resultItems(report).map(({ text, details }, i) => {
    const of = report.suites[i];
    return { text: of ? `${suiteLabel(of)}: ${details.join(" ")}` : text, details: [] };
  });
  const header = [
    "suite",
    "tasks",
    "base",
    "final",
    "points",
    "95% interval",
    "p",
    "gained / lost",
  ];
  return [table("Base and final weights on each suite", { header, rows }), list(remarks)];
}

export function advice({ advice: all }: RunReport): Markup[] {
  const rows = all.map(
    ({ text, command, because }) =>
      html`<li>${prose(short.prose(text))}${command === null ? null : html`: <code>${command}</code>`}<ul><li>${prose(short.prose(because))}</li></ul></li>\n`,
  );
  return rows.length === 0 ? [] : [html`<ul class="items">\n${rows}</ul>`];
}

/** Each round's decision with what it rests on, under the plot of them all. */
export function decisions(report: RunReport): (Markup | null)[] {
  const cards = report.rounds.map((round) => {
    const { decision } = round;
    const { text, details } = roundReasons(round, report.health, short);
    const [, why] = text.split(/: (.*)/s);
    const taken = report.health.rolledBack.includes(round.round);
    return html`
<article class="card"><h3>Round ${round.round} ${badge(decision?.outcome ?? "not decided yet")}${taken ? html` ${badge("rolled back")}` : null}</h3>
${why ? html`<p>${why.charAt(0).toUpperCase()}${why.slice(1)}.</p>` : null}${list(details.map((each) => ({ text: each, details: [] })))}</article>`;
  });
  return [decisionsPlot(report), ...cards];
}

export function roundTable({ rounds, health }: RunReport): Markup {
  const rows = rounds.map((round) => {
    const figures = roundFigures(round, health);
    return [String(round.round), ...roundColumns.map(([key]) => figures[key])];
  });
  const header = ["round", ...roundColumns.map(([, title]) => title)];
  return table("What each round had and gave", { header, rows });
}

/** What the monitors saw; `!` stands where one fired. */
export function health(report: RunReport): Markup[] {
  return [
    list(healthItems(report, short)),
    table("What each monitor read, by round (! where it fired)", healthTable(report)),
  ];
}

/** Groups of failures, each with an example, under their sizes by round. */
export function clusters(report: RunReport): Markup[] {
  return [
    table("Failures of each group, by round", clusterTable(report, short)),
    list(clusterItems(report, short)),
  ];
}

/** Lessons and exemplars, and what rounds changed of them. */
export function memory(report: RunReport): Markup[] {
  return [list(memoryItems(report, short))];
}

/** What the policy decided for each round, and why. */
export function plans(report: RunReport): Markup[] {
  return [list(planItems(report, short))];
}

/** Critique prompts within rounds. */
export function trials(report: RunReport): Markup[] {
  const compared = trialsTable(report);
  if (compared.rows.length === 0) return [];
  return [table("Failed tasks with a right revision", compared), list(writtenItems(report, short))];
}

export function uses(report: RunReport): Markup[] {
  const ways = waysToUse(report).map(
    ({ title, lines }) => html`<p>${title}:</p><pre><code>${lines.join("\n")}</code></pre>\n`,
  );
  return [list(bestItems(report).map((text) => ({ text, details: [] }))), ...ways];
}

/** What the figures rest on. */
export function basis(report: RunReport): Markup[] {
  return [list(basisItems(report, short))];
}

export function howItWent(report: RunReport): (Markup | null)[] {
  const lines = timelineRows(report).map(
    ({ when, tone, text }) =>
      html`<li class="${tone}"><span class="when">${when}</span><span>${prose(short.plain(text))}</span></li>\n`,
  );
  return [
    list(faultItems(report, short)),
    ...(lines.length === 0 ? [] : [html`<h3>Timeline</h3>\n<ol class="timeline">\n${lines}</ol>`]),
    html`<h3>${spendTitle(report)}</h3>`,
    list(spendItems(report)),
    timePlot(report),
    tokensPlot(report),
    table("What each round took", roundCostTable(report)),
    table("What each stage took, over all rounds", stageCostTable(report)),
  ];
}
