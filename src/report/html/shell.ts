import { createHash } from "node:crypto";
import { section } from "./parts.js";
import { html, Markup } from "./template.js";

export interface Page {
  readonly title: string;
  /** The headline, without its full stop. */
  readonly lede: string;
  /** The page's only style sheet. */
  readonly styles: string;
  readonly header: readonly (Markup | null)[];
  /** Sections with their ids; those without content are left out. */
  readonly parts: readonly (readonly [id: string, title: string, content: (Markup | null)[]])[];
  readonly footer: string;
}

/** One HTML page that loads and runs nothing: its policy admits its own style sheet and no other. */
export function page({ title, lede, styles, header, parts, footer }: Page): string {
  const sections = parts.flatMap(([id, name, content]) => {
    const body = section(id, name, ...content);
    return body === null ? [] : [{ id, name, body }];
  });
  const hash = createHash("sha256").update(styles).digest("base64");
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const whole = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}: report</title>
<style>${new Markup(styles)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="lede">${lede}.</p>
${[...header].map((part) => html`${part}\n`)}<nav aria-label="Sections"><ul>${sections.map(({ id, name }) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
</header>
<main>${sections.map(({ body }) => body)}
</main>
<footer><p>${footer}</p></footer>
</body>
</html>
`;
  return whole.html;
}
