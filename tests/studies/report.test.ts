import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../src/core/hash.js";
import { invisible } from "../../src/core/invisible.js";
import type { Script } from "../../src/models/scripted.js";
import type { Store } from "../../src/store/store.js";
import {
  readStudyReport,
  renderStudyHtml,
  renderStudyMarkdown,
  renderStudyTerminal,
  type StudyReport,
  studyCsv,
  studyParquet,
} from "../../src/studies/report/index.js";
import { elementsOf, parseHtml, textOf } from "../support/html.js";
import { scriptedStudy, studySpec, variedLearner } from "../support/study.js";

const folders: string[] = [];
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "redistill-study-"));
  folders.push(folder);
  return folder;
};

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Everything that is written of a study, as one text. */
const bytesOf = (report: StudyReport) =>
  [
    renderStudyTerminal(report),
    renderStudyMarkdown(report),
    renderStudyHtml(report),
    studyCsv(report),
    Buffer.from(studyParquet(report)).toString("base64"),
    JSON.stringify(report),
  ].join("\n\n");

const small = studySpec({ factors: { "refine.tries": [1, 2] } });

/** Sets up a study of two levels in a database, and closes it at the end. */
async function smallStudy(options: Parameters<typeof scriptedStudy>[1] = {}): Promise<Store> {
  return scriptedStudy(newFolder(), { spec: small, ...options });
}

describe("the report of a study", () => {
  let store: Store;
  let report: StudyReport;

  beforeAll(async () => {
    store = await scriptedStudy(newFolder());
    report = readStudyReport(store, "tries-1");
  });

  afterAll(() => store.close());

  it("is the same bytes when read again, without a time in them", () => {
    const bytes = bytesOf(report);
    expect(bytesOf(readStudyReport(store, "tries-1"))).toBe(bytes);
    expect(bytes).not.toMatch(/\d{4}-\d\d-\d\dT|\d\d:\d\d:\d\d/);
    expect(report.howItWent).toBeNull();
    const timed = readStudyReport(store, "tries-1", { times: true });
    expect(timed.howItWent!.runs).toHaveLength(10);
    expect(renderStudyMarkdown(timed)).toContain(`Begun ${timed.howItWent!.createdAt}`);
    expect({ ...timed, howItWent: null }).toEqual(report);
  });

  it("counts flows as the rows have them", () => {
    for (const { arm, reworkings, fixed, broken, students, attempts } of report.flows) {
      const runs = report.provenance.runs.filter((run) => run.arm === arm);
      expect(runs).toHaveLength(2);
      const rows = runs.map(({ runId }) => store.rounds.load(runId, 1));
      const revisions = rows.flatMap((row) => row.revisions);
      expect(fixed.of + broken.of).toBe(revisions.length);
      expect(fixed.count).toBe(revisions.filter(({ verdict }) => verdict.outcome === "ok").length);
      expect(reworkings.every(({ draft }) => draft !== "ok")).toBe(true);
      expect(attempts.ok + attempts.wrong + attempts.ungradable).toBe(
        rows.reduce((sum, row) => sum + row.attempts.length, 0),
      );
      expect(students.kept + students.fixed + students.broken + students.missed).toBe(120);
    }
    expect(report.flows.map(({ arm }) => arm)).toEqual(["a1", "a2", "a3", "a4", "compute"]);
    const learned = report.analysis.learned.find(({ arm }) => arm === "a1")!;
    const { fixed, broken } = report.flows[0]!.students;
    expect(learned.contrast!.estimate.difference).toBeCloseTo((fixed - broken) / 120, 12);
  });

  it("has all answers in its tables, as CSV and as Parquet", async () => {
    const lines = studyCsv(report).trimEnd().split("\n");
    expect(lines[0]).toBe("arm,seed,task,suite,right");
    // Ten runs and the base weights: 60 gate tasks; and what was asked of the sealed suite.
    const sealed = report.answers.find(({ suite }) => suite === "sealed")!;
    expect(lines).toHaveLength(1 + 11 * 60 + sealed.rows.length * 20);
    const right = lines.filter((line) => /^a1,1,.*,gate,1$/.test(line)).length;
    const share = report.analysis.arms[0]!.suites.gate!.perSeed[0]!.share;
    expect(right / 60).toBeCloseTo(share, 12);
    const bytes = studyParquet(report);
    const rows = await parquetReadObjects({ file: bytes.slice().buffer });
    expect(
      rows.map(({ arm, seed, task, suite, right: is }) =>
        [arm, seed ?? "", task, suite, is ? 1 : 0].join(),
      ),
    ).toEqual(lines.slice(1));
  });

  it("is one well-formed page that loads and runs nothing, with plots and what they were drawn from", () => {
    const page = renderStudyHtml(report);
    const elements = elementsOf(parseHtml(page));
    const names = new Set(elements.map(({ name }) => name));
    for (const name of ["script", "link", "img", "iframe", "object", "form", "base"]) {
      expect(names).not.toContain(name);
    }
    const attributes = elements.flatMap((element) => Object.entries(element.attributes));
    expect(attributes.filter(([key]) => /^on|^style$|^src$/.test(key))).toEqual([]);
    expect(page).not.toMatch(/https?:|url\((?!#hatch\))|@import/);
    const style = elements.find(({ name }) => name === "style")!.children[0] as string;
    const hash = createHash("sha256").update(style).digest("base64");
    expect(page).toContain(`style-src &#39;sha256-${hash}&#39;`);
    expect(style).toContain("prefers-color-scheme: dark");
    const ids = elements.flatMap(({ attributes: { id } }) => id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [key, value] of attributes) {
      if (key === "href") expect(ids).toContain(value.slice(1));
      if (key === "aria-labelledby") expect(ids).toEqual(expect.arrayContaining(value.split(" ")));
    }
    const plots = elements.filter(({ name }) => name === "figure");
    expect(
      plots.map((plot) => textOf(elementsOf(plot).find(({ name }) => name === "title")!)),
    ).toEqual([
      "Against equal compute, in points",
      "Against the untrained weights, in points",
      "Where arms and control differ: gate tasks, by mean difference",
      "What was fixed and what was broken",
      "Gate tasks right against tokens sampled",
    ]);
    for (const plot of plots) {
      expect(elementsOf(plot).filter(({ name }) => name === "tr").length).toBeGreaterThan(2);
    }
    const drawn = elements.flatMap(({ attributes: { d, x, y, transform, width } }) =>
      [d, x, y, transform, width].join(" "),
    );
    expect(drawn.join()).not.toMatch(/NaN|Infinity/);
  });

  it("says in all forms what it found, on what it rests, and how to do it again", () => {
    const difference = report.analysis.primary[1]!.contrast!.estimate.difference * 100;
    const figure = `${difference < 0 ? "" : "+"}${difference.toFixed(1)}`;
    for (const text of [
      renderStudyTerminal(report),
      renderStudyMarkdown(report),
      textOf(parseHtml(renderStudyHtml(report))),
    ]) {
      expect(text).toMatch(/of 4 treatments against equal compute/i);
      expect(text).toContain(figure);
      expect(text).toContain(report.provenance.specHash);
      expect(text).toContain("crossed random-effects model of tasks and seeds");
      expect(text).toContain("Holm, S. (1979)");
      // Cited by numbers that the list has.
      const cited = [...text.matchAll(/ \[(\d+)\]/g)].map(([, number]) => Number(number));
      const listed = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12];
      for (const number of cited) expect(listed).toContain(number);
      expect(text).toContain("No right draft was revised");
    }
    expect(renderStudyMarkdown(report)).toContain("question: Are two tries better than one?");
    expect(report.provenance.taskSets.map(({ split, runs }) => [split, runs])).toEqual([
      ["train", 10],
      ["gate", 10],
      ["sealed", 10],
    ]);
  });

  it("shows answers side by side with the words that differ, drawn by lot", () => {
    const { examples } = report;
    expect(examples).toMatchObject({ seed: 1, before: "compute", after: "a2" });
    for (const { gained, before, after } of examples!.shown) {
      expect([before.outcome === "ok", after.outcome === "ok"]).toEqual([!gained, gained]);
    }
    expect(renderStudyTerminal(report)).toMatch(
      /compute: \(wrong\) It is \[-not-\] \d+ \[-but \d+-\]/,
    );
    expect(renderStudyHtml(report)).toMatch(/<del>not <\/del>/);
  });

  it("explains what to do where there is no such study", () => {
    expect(() => readStudyReport(store, "other-1")).toThrow(/no study other-1/);
  });
});

describe("a study that is not finished", () => {
  it("is reported as far as it has come, and says what is missing", async () => {
    const store = await smallStudy({ only: ({ arm, seed }) => arm !== "a2" && seed === 1 });
    store.studies.stop("tries-1", { arm: "a2", seed: 2 }, "a <b>reason</b>");
    const report = readStudyReport(store, "tries-1");
    const [terminal, page] = [renderStudyTerminal(report), renderStudyHtml(report)];
    expect(report.headline).toMatch(/is unfinished \(3 runs to come\)/);
    expect(terminal).toContain("One seed (1): a claim about these weights");
    expect(terminal).toContain("a2 (2): stopped with seed 2: a <b>reason</b>.");
    expect(terminal).toContain("a2 (2): not begun with seed 1.");
    expect(terminal).toContain("The study has not ended");
    expect(page).toContain("a &lt;b&gt;reason&lt;/b&gt;");
    parseHtml(page);
    store.close();
  });

  it("has a report before anything was run", async () => {
    const store = await smallStudy({ only: () => false });
    const report = readStudyReport(store, "tries-1");
    expect(report.headline).toMatch(/nothing can be compared yet/);
    expect(bytesOf(report)).not.toMatch(/NaN|undefined|Infinity/);
    expect(studyCsv(report)).toBe("arm,seed,task,suite,right\n");
    parseHtml(renderStudyHtml(report));
    store.close();
  });

  it("is the same after interruptions as without them", async () => {
    // In the same folder, whose path is in the recipe.
    const folder = newFolder();
    const quiet = await scriptedStudy(folder, { spec: small });
    const bytes = bytesOf(readStudyReport(quiet, "tries-1"));
    quiet.close();
    rmSync(folder, { recursive: true });
    let abort = new AbortController();
    let [answered, interrupted] = [0, 0];
    const disturbed = await scriptedStudy(folder, {
      spec: small,
      script: (request, adapter) => {
        if (++answered % 90 === 0) abort.abort();
        return variedLearner(request, adapter);
      },
      work: async ({ work }) => {
        await work(abort.signal).catch(() => interrupted++);
        abort = new AbortController();
        await work();
      },
    });
    expect(interrupted).toBeGreaterThan(2);
    expect(bytesOf(readStudyReport(disturbed, "tries-1"))).toBe(bytes);
    disturbed.close();
  });
});

describe("what a hostile model wrote", () => {
  const pieces = [
    "\u001b]0;owned\u0007\u001b[2J \u202eelif\u202c",
    "<script>alert(1)</script><img src=x onerror=alert()> @everyone `` ` ``` | a | b |",
    "[click](javascript:alert()) ![pixel](http://evil.example/p.png)\r\n# A heading",
  ];
  const script: Script = (request, adapter) => {
    const chosen = Number.parseInt(sha256([request, adapter]).slice(0, 4), 16) % pieces.length;
    return `${pieces[chosen]} ${variedLearner(request, adapter)}`;
  };

  it("does nothing in any of the forms", async () => {
    const store = await smallStudy({
      script,
      spec: studySpec({
        question: "Why <script>?\u001b[2J [x](http://evil.example)",
        factors: { "refine.tries": [1, 2] },
      }),
    });
    const report = readStudyReport(store, "tries-1");
    expect(JSON.stringify(report.examples)).toMatch(/alert\(|evil\.example|owned/);
    const [terminal, markdown] = [renderStudyTerminal(report), renderStudyMarkdown(report)];
    for (const text of [terminal, markdown, studyCsv(report)]) {
      expect([...text.matchAll(invisible)].filter(([mark]) => mark !== "\n")).toEqual([]);
    }
    const names = new Set(elementsOf(parseHtml(renderStudyHtml(report))).map(({ name }) => name));
    for (const name of ["script", "img"]) expect(names).not.toContain(name);
    const rest = markdown.replace(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, "CODE");
    const unescaped = rest.replace(/\\[!-/:-@[-`{-~]/g, "ESCAPED");
    for (const part of [/<[a-z/!?]/i, /\]\(/, /!\[/, /:\/\//, /@[a-z]/, /^# A/m]) {
      expect(unescaped).not.toMatch(part);
    }
    store.close();
  });
});
