import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, it } from "vitest";
import { exportCommand } from "../../src/cli/commands/export.js";
import { reportCommand } from "../../src/cli/commands/report.js";
import { sampleCommand } from "../../src/cli/commands/sample.js";
import { statusCommand } from "../../src/cli/commands/status.js";
import { createOutput } from "../../src/cli/output.js";
import { migrationsDirectory } from "../../src/cli/paths.js";
import { sha256 } from "../../src/core/hash.js";
import { invisible } from "../../src/core/invisible.js";
import { ScriptedChatModel } from "../../src/models/scripted.js";
import { Store } from "../../src/store/store.js";
import { type FinishedWorkspace, finishedWorkspace } from "../cli/support.js";
import { learner } from "../support/scripted-run.js";

// Fault row 31: script, markup and terminal escapes in model output are never executed.

// Each short enough to be shown whole: reports cut texts at 200 characters.
const pieces = [
  "\u001b]0;owned\u0007\u001b[2J\u009b31m\u0090payload\u009c \u202eelif\u202c\u2066\u200b\u{e0069}\u{e0067}",
  "<script>alert(document.cookie)</script><img src=x onerror=alert()> @everyone `` ` ``` | a | b |",
  "[click](javascript:alert()) ![pixel](http://evil.example/pixel.png) www.evil.example\r\n# A heading\r\n- [ ] x",
];

const script: typeof learner = (request, adapter) => {
  const chosen = Number.parseInt(sha256([request, "piece"]).slice(0, 4), 16) % pieces.length;
  return `${pieces[chosen]} ${learner(request, adapter)}`;
};

/** What a stream was given, as bytes. */
function recordingStream() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  }) as unknown as typeof process.stdout;
  return { stream, text: () => Buffer.concat(chunks).toString("utf8") };
}

/** Characters of a text that a terminal or a reader could act on; line breaks and tabs are fine. */
const dangerous = (text: string) =>
  [...text.matchAll(invisible)].map(([mark]) => mark).filter((mark) => !"\n\t".includes(mark));

/** Markdown without its code spans, in which nothing is markup (CommonMark 6.1). */
const outsideCode = (markdown: string) =>
  markdown.replace(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, "CODE");

describe("what a hostile model wrote", () => {
  let made: FinishedWorkspace;
  const shown = async (
    json: boolean,
    show: (shared: FinishedWorkspace["options"]) => unknown,
  ): Promise<string> => {
    const { stream, text } = recordingStream();
    const output = createOutput(json, stream);
    await show({ ...made.options, output } as unknown as FinishedWorkspace["options"]);
    return text();
  };

  beforeAll(async () => {
    made = await finishedWorkspace(script);
  });

  it("is in the run as it was written", () => {
    const db = new Database(join(made.folder, "memory", "redistill.db"), { readonly: true });
    const answers = db.prepare("SELECT answer FROM attempts").pluck().all() as string[];
    db.close();
    expect(answers.some((answer) => answer.includes("\u001b]0;owned\u0007"))).toBe(true);
    expect(made.incumbent).not.toBeNull();
  });

  it("does nothing on a terminal: report, status, sample", async () => {
    const report = await shown(false, (shared) => reportCommand("sums-1", {}, shared));
    const markdown = await shown(false, (shared) =>
      reportCommand("sums-1", { markdown: true }, shared),
    );
    const status = await shown(false, (shared) => statusCommand("sums-1", shared));
    const sample = await shown(false, (shared) =>
      sampleCommand(
        "Calculate 1 + 2.",
        {},
        { ...shared, load: async () => ({ model: new ScriptedChatModel("learner", script) }) },
      ),
    );
    expect(report).toContain("owned");
    expect(sample).toContain("owned");
    for (const text of [report, markdown, status, sample]) expect(dangerous(text)).toEqual([]);
  });

  it("does nothing as JSON on a terminal, and is the same text when parsed", async () => {
    const line = await shown(true, (shared) => reportCommand("sums-1", {}, shared));
    expect(dangerous(line)).toEqual([]);
    expect(JSON.stringify(JSON.parse(line))).toContain("\u202eelif");
  });

  it("is no link, image, markup or heading in the Markdown report", async () => {
    const store = Store.open(made.options.workspace.database, migrationsDirectory);
    for (const reason of pieces) store.events.append("sums-1", 1, "failed", { reason });
    store.close();
    await shown(false, (shared) => reportCommand("sums-1", {}, shared));
    const markdown = readFileSync(join(made.folder, "runs", "sums-1", "report.md"), "utf8");
    for (const part of ["<script>alert(", "[click](java", "pixel.png", "www.evil", "# A heading"]) {
      expect(markdown).toContain(part);
    }
    expect(dangerous(markdown)).toEqual([]);
    const rest = outsideCode(markdown);
    expect(rest).toContain("CODE");
    // What is left unescaped would be markup: tags, links, images, addresses, mentions.
    const unescaped = rest.replace(/\\[!-/:-@[-`{-~]/g, "ESCAPED");
    for (const part of [/<[a-z/!?]/i, /\]\(/, /!\[/, /:\/\//, /www\./, /@[a-z]/]) {
      expect(unescaped).not.toMatch(part);
    }
    expect(markdown).not.toMatch(/^\s*(# A heading|- \[ \])/m);
  });

  it("is not in the export's readme, and is data in its training set", async () => {
    await shown(false, (shared) => exportCommand("sums-1", {}, shared));
    const read = (name: string) =>
      readFileSync(join(made.folder, "exports", "sums-1", name), "utf8");
    expect(dangerous(read("README.md"))).toEqual([]);
    for (const part of ["owned", "evil.example", "<script", "elif"]) {
      expect(read("README.md")).not.toContain(part);
    }
    const set = read("training-set.jsonl");
    expect(dangerous(set)).toEqual([]);
    const completions = set
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).messages.at(-1).content as string);
    expect(completions.some((text) => text.includes("\u001b]0;owned\u0007"))).toBe(true);
  });
});
