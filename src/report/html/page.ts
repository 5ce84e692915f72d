import { createHash } from "node:crypto";
import { judgeItems } from "../judge.js";
import type { RunReport } from "../report.js";
import { changeCards, reworkedCards } from "./cards.js";
import { list, section } from "./parts.js";
import { lossPlot } from "./plots/rounds.js";
import {
  advice,
  basis,
  decisions,
  health,
  howItWent,
  memory,
  results,
  roundTable,
  tiles,
  uses,
} from "./sections.js";
import { styles } from "./styles.js";
import { html, Markup } from "./template.js";

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
    ["memory", "What it remembers", memory(report)],
    ["judge", "The judge", [list(judgeItems(report))]],
    ["health", "Health of learning", health(report)],
    ["use", "The best adapter, and how to use it", uses(report)],
    ["rounds", "Rounds in figures", [roundTable(report), lossPlot(report)]],
    ["basis", "What this rests on", basis(report)],
    ["went", "How it went", howItWent(report)],
  ];
  const sections = parts.flatMap(([id, title, content]) => {
    const body = section(id, title, ...content);
    return body === null ? [] : [{ id, title, body }];
  });
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${report.run}: report</title>
<style>${new Markup(styles)}</style>
</head>
<body>
<header>
<h1>${report.run}</h1>
<p class="lede">${sentence(report)}.</p>
${report.description === "" ? null : html`<p class="soft">${report.description}</p>`}
${tiles(report)}
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main>${sections.map(({ body }) => body)}
</main>
<footer><p>Made by redistill from the run's database: the same rows give the same page.</p></footer>
</body>
</html>
`;
  return page.html;
}

/** Nothing may be loaded or run; the hash admits this page's own style sheet and no other. */
const styleHash = createHash("sha256").update(styles).digest("base64");
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'`;

/** The headline without the run's name, which stands over it. */
function sentence({ run, headline }: RunReport): string {
  const rest = headline.startsWith(`${run}: `) ? headline.slice(run.length + 2) : headline;
  return `${rest.charAt(0).toUpperCase()}${rest.slice(1)}`;
}
