import { frontierTitle } from "../frontier.js";
import { judgeItems } from "../judge.js";
import type { RunReport } from "../report.js";
import { trialsTitle } from "../trials.js";
import { changeCards, reworkedCards } from "./cards.js";
import { list } from "./parts.js";
import { frontierPlot } from "./plots/frontier.js";
import { lossPlot } from "./plots/rounds.js";
import {
  advice,
  basis,
  clusters,
  decisions,
  health,
  howItWent,
  memory,
  plans,
  results,
  roundTable,
  tiles,
  trials,
  uses,
} from "./sections.js";
import { page } from "./shell.js";
import { styles } from "./styles.js";
import { html, type Markup } from "./template.js";

/**
 * The report as one HTML page that needs nothing but itself: no script, no network, no font. What
 * models and task files wrote is escaped. Everything that a disturbance would change is in its last
 * section, "How it went".
 *
 * @example
 * writeFileSync("report.html", renderHtml(readReport(store, "quickstart-1")));
 */
export function renderHtml(report: RunReport): string {
  const parts: [id: string, title: string, content: (Markup | null)[]][] = [
    ["result", "Result", results(report)],
    ["next", "What to do next", advice(report)],
    ["decisions", "Decisions", decisions(report)],
    ["changes", "Before and after", changeCards(report)],
    ["reworked", "From draft to revision", reworkedCards(report)],
    ["clusters", "Failures by what went wrong", clusters(report)],
    ["plans", "Plans", plans(report)],
    ["trials", trialsTitle, trials(report)],
    ["frontier", frontierTitle, [frontierPlot(report)]],
    ["memory", "What it remembers", memory(report)],
    ["judge", "The judge", [list(judgeItems(report))]],
    ["health", "Health of learning", health(report)],
    ["use", "The best adapter, and how to use it", uses(report)],
    ["rounds", "Rounds in figures", [roundTable(report), lossPlot(report)]],
    ["basis", "What this rests on", basis(report)],
    ["went", "How it went", howItWent(report)],
  ];
  return page({
    title: report.run,
    lede: sentence(report),
    styles,
    header: [
      report.description === "" ? null : html`<p class="soft">${report.description}</p>`,
      tiles(report),
    ],
    parts,
    footer: "Made by redistill from the run's database: the same rows give the same page.",
  });
}

/** The headline without the run's name, which stands over it. */
function sentence({ run, headline }: RunReport): string {
  const rest = headline.startsWith(`${run}: `) ? headline.slice(run.length + 2) : headline;
  return `${rest.charAt(0).toUpperCase()}${rest.slice(1)}`;
}
