import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { html } from "../../src/report/html/template.js";
import { readReport, renderHtml } from "../../src/report/index.js";
import { elementsOf, parseHtml, textOf } from "../support/html.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "redistill-html-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function finishedPage(script = learner) {
  const { store, work } = await scriptedRun(folder, sumsRecipe(folder), { script });
  await work();
  const report = readReport(store, "sums-1", "UTC");
  store.close();
  const page = renderHtml(report);
  return { report, page, elements: elementsOf(parseHtml(page)) };
}

describe("the template", () => {
  it("escapes what is put in, in text and in attributes", () => {
    const evil = `"><script>alert('x')</script>&amp;`;
    expect(html`<p title="${evil}">${evil}</p>`.html).toBe(
      `<p title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;">&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;</p>`,
    );
  });

  it("takes markup, lists, numbers and nothing", () => {
    expect(html`<ul>${[html`<li>${1}</li>`, "<b>"]}${null}</ul>`.html).toBe(
      "<ul><li>1</li>&lt;b&gt;</ul>",
    );
  });

  it("shows marks that reorder, hide or control as what they are: something odd", () => {
    expect(html`${"a\u202eb\u001b[2Jc\u200bd\ud800e\r\nf"}`.html).toBe("a�b�[2Jc�d�e\nf");
  });
});

describe("the page", () => {
  it("is one well-formed file that loads nothing and runs nothing", async () => {
    const { elements, page } = await finishedPage();
    const names = new Set(elements.map(({ name }) => name));
    for (const name of ["script", "link", "img", "iframe", "object", "form", "base"]) {
      expect(names).not.toContain(name);
    }
    const attributes = elements.flatMap((element) => Object.entries(element.attributes));
    expect(attributes.filter(([key]) => /^on|^style$|^src$/.test(key))).toEqual([]);
    for (const [key, value] of attributes) if (key === "href") expect(value).toMatch(/^#[a-z]+$/);
    expect(page).not.toMatch(/https?:|url\(|@import/);
    const policy = elements.find(({ attributes: a }) => "http-equiv" in a)?.attributes.content;
    const style = elements.find(({ name }) => name === "style")!.children[0] as string;
    const hash = createHash("sha256").update(style).digest("base64");
    expect(policy).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`,
    );
    expect(style).toContain("prefers-color-scheme: dark");
    const ids = elements.flatMap(({ attributes: { id } }) => id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [key, value] of attributes) {
      if (key === "href") expect(ids).toContain(value.slice(1));
      if (key === "aria-labelledby") expect(ids).toEqual(expect.arrayContaining(value.split(" ")));
    }
  });

  it("has plots with titles, and under each the figures that it was drawn from", async () => {
    const { elements, report } = await finishedPage();
    const figures = elements.filter(({ name }) => name === "figure");
    const plots = figures.map((figure) => {
      const inner = elementsOf(figure);
      const svg = inner.find(({ attributes }) => attributes.role === "img")!;
      expect(elementsOf(svg).map(({ name }) => name)).toEqual(
        expect.arrayContaining(["title", "desc"]),
      );
      return { title: textOf(inner.find(({ name }) => name === "title")!), text: textOf(figure) };
    });
    expect(plots.map(({ title }) => title)).toEqual([
      "Candidates against what they would replace, in points",
      "Gate tasks right against tokens, by round",
      "Training loss at the last step of each round",
      "Time of each stage, by round",
      "Tokens of each stage, over all rounds",
    ]);
    const gate = report.rounds[0]!.decision!.gate!;
    expect(plots[0]!.text).toContain(`+${(gate.difference * 100).toFixed(1)}`);
    const marks = elementsOf(figures[0]!).filter(({ attributes }) => attributes.class === "gate");
    // One for each round, one for the legend.
    expect(marks).toHaveLength(report.rounds.length + 1);
    const coordinates = elements.flatMap(({ attributes: { cx, cy, d } }) => [cx, cy, d].join(" "));
    expect(coordinates.join()).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("says what the other reports say: decisions, adapter, what to do next", async () => {
    const { elements, report } = await finishedPage();
    const text = textOf(elements[0]!);
    expect(text).toContain(`Adapter ${report.best!.sha256}`);
    expect(text).toContain("llama-cli -m scripted --lora exports/sums-1/adapter.gguf");
    expect(text).toContain('PeftModel.from_pretrained(base, "exports/sums-1/peft")');
    expect(text).toContain("Take the adapter along: redistill export sums-1");
    expect(text).toMatch(/Wrong before, right now: 4 of \d+, chosen by the run's seed/);
    expect(text).toContain("Undisturbed from start to end.");
  });

  it("is the same up to how it went after a disturbance", async () => {
    const { page } = await finishedPage();
    const abort = new AbortController();
    let answered = 0;
    const disturbed = await scriptedRun(join(folder, "disturbed"), sumsRecipe(folder), {
      script: (request, adapter) => {
        if (++answered === 100) abort.abort();
        return learner(request, adapter);
      },
    });
    await expect(disturbed.work(abort.signal)).rejects.toThrow(/was stopped/);
    await disturbed.work();
    const other = renderHtml(readReport(disturbed.store, "sums-1", "Asia/Tokyo"));
    disturbed.store.close();
    const [before, after] = other.split('<section id="went"');
    expect(before).toBe(page.split('<section id="went"')[0]);
    expect(after).toContain("Stopped on request once, resumed once");
  });

  it("has a page before the first round, too", async () => {
    const { store } = await scriptedRun(folder, sumsRecipe(folder));
    const page = renderHtml(readReport(store, "sums-1"));
    store.close();
    const text = textOf(parseHtml(page));
    expect(text).toContain("no round has been decided yet");
    expect(text).toContain("redistill resume sums-1");
  });
});

describe("what models write", () => {
  it("is shown and cannot act in the page", async () => {
    const hostile =
      '\u001b]0;owned\u0007</blockquote></article></style><script>alert(1)</script><img src=x onerror="alert(2)"> &lt;b&gt; --> ]]> \u202egnp\u2066\u009b31m';
    const { elements, page, report } = await finishedPage((request, adapter) => {
      const text = learner(request, adapter);
      return text === "The sum is off." || adapter === null ? `${hostile} ${text}` : text;
    });
    expect(report.changes?.better.length).toBeGreaterThan(0);
    const quotes = elements.filter(({ name }) => name === "blockquote").map(textOf);
    const shown = quotes.filter((text) => text.includes("<script>alert(1)</script>"));
    // Four that came right, and drafts with their critiques.
    expect(shown.length).toBeGreaterThan(4);
    expect(shown[0]).toContain('<img src=x onerror="alert(2)"> &lt;b&gt;');
    expect(elements.some(({ name }) => name === "script" || name === "img")).toBe(false);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must be absent
    expect(page).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
  });
});
