import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportReadme } from "../../src/cli/export-text.js";
import { roundLine } from "../../src/controller/coach/state.js";
import { taskProblems } from "../../src/operations/verify-suites.js";
import { readReport, renderHtml, renderMarkdown, renderTerminal } from "../../src/report/index.js";
import type { RunReport } from "../../src/report/report.js";
import { Store } from "../../src/store/store.js";
import { foldersFor } from "../support/folders.js";
import { elementsOf, parseHtml, textOf } from "../support/html.js";
import { forgetful, twoSuites } from "../support/retention.js";
import { type ScriptedRun, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = foldersFor("suites", "all");

async function worked(
  where: string,
  forgets: "facts" | "manners" | null,
  rounds: number,
): Promise<ScriptedRun> {
  const recipe = sumsRecipe(where, {
    rounds,
    retention: twoSuites(where),
    policy: { kind: "adaptive", validation: 4 },
  });
  const run = await scriptedRun(where, recipe, { script: forgetful(forgets) });
  await run.work();
  return run;
}

/** The text of the page's plots, without what the rest of it says. */
const textsOf = (page: string, id: string) =>
  elementsOf(parseHtml(page))
    .filter(({ name }) => name === "figure")
    .map(textOf)
    .find((text) => text.includes(id))!;

describe("a run that forgets one of two suites", () => {
  const where = folder();
  let store: Store;
  let report: RunReport;
  beforeAll(async () => {
    ({ store } = await worked(where, "manners", 3));
    report = readReport(store, "sums-1", "UTC");
  });
  afterAll(() => store.close());

  it("is rejected for that one by its own margin, whatever the other's allows", () => {
    for (const { number } of store.rounds.all("sums-1")) {
      const decision = store.rounds.decision("sums-1", number)!;
      expect(decision).toMatchObject({ outcome: "rejected", retention: null });
      expect(decision.reason).toMatch(/^forgets too much of manners: /);
      expect(decision.retentionSuites).toMatchObject([
        { name: "facts", margin: 0.4, comparison: { tasks: 40, lost: 0 } },
        { name: "manners", margin: 0.15, comparison: { tasks: 30, lost: 15 } },
      ]);
    }
    expect(store.runs.find("sums-1")!.incumbent).toBeNull();
  });

  it("tells its policy of both, and the rule says which suite it goes by", () => {
    const { rounds, recipe } = store.plans.observation("sums-1", 2)!;
    const [first] = rounds;
    expect(first!.retention).toMatchObject({ suite: "manners", candidate: 15, margin: 0.15 });
    expect(first!.retentionSuites!.map(({ suite, candidate }) => [suite, candidate])).toEqual([
      ["facts", 40],
      ["manners", 15],
    ]);
    expect(roundLine(first!, recipe)).toMatch(
      /retention \(facts\) 40 to 40 of 40, worst loss \S+, margin 0\.4, retention \(manners\) 30 to 15 of 30, worst loss \S+, margin 0\.15\.$/,
    );
    const decisions = store.plans.find("sums-1", 2)!.decisions;
    const forgotten = decisions.find(({ rule }) => rule === "forgetting")!;
    expect(forgotten.saw).toMatchObject({ suite: "manners", margin: 0.15 });
    expect(forgotten.because).toContain("of the retention suite manners, 15% is allowed");
    const reading = store.readings.of("sums-1").find(({ monitor }) => monitor === "retention")!;
    expect(reading).toMatchObject({ value: 0.5, fired: true });
    expect(reading.text).toContain("the retention suite manners");
  });

  it("shows each suite by name in the report, and whose margin decided", () => {
    expect(report.suites.map(({ suite, name, margin }) => [suite, name, margin])).toEqual([
      ["sealed", undefined, null],
      ["gate", undefined, null],
      ["retention", "facts", 0.4],
      ["retention", "manners", 0.15],
    ]);
    expect(report.forgotten).toMatchObject({ suite: "retention", lost: 15 });
    expect(report.forgotten!.worse.every(({ suite }) => suite === "manners")).toBe(true);
    const html = renderHtml(report);
    const page = textOf(elementsOf(parseHtml(html))[0]!);
    for (const text of [renderMarkdown(report), renderTerminal(report), page]) {
      const flat = text.replace(/\s+/g, " ").replaceAll("\\", "");
      expect(flat).toContain("retention (facts): ");
      expect(flat).toContain("retention 70 (facts 40, manners 30)");
      expect(flat).toContain("Retention (facts), 40 tasks, against the base weights");
      expect(flat).toContain(
        "Decided by the retention margin of manners; on the gate suite it was better.",
      );
      expect(flat).toContain("(retention suites, round 3's candidate)");
      expect(flat).toContain("Task (manners)");
      expect(flat).toContain("forgot more of manners than the margin allows");
    }
    const plot = textsOf(html, "Candidates against what they would replace");
    expect(plot).toContain("the retention suite nearest to its margin");
    expect(plot).toContain("retention (manners)");
  });

  it("has a frontier with a column for each suite, and names the one that is beyond its margin", () => {
    for (const { retention, retentionSuites } of report.frontier) {
      expect(retention).toBeNull();
      expect(retentionSuites!.map(({ name, right }) => [name, right])).toEqual([
        ["facts", 1],
        ["manners", 0.5],
      ]);
      expect(retentionSuites![0]!.used).toBeLessThan(1);
      expect(retentionSuites![1]!.used).toBeGreaterThan(3);
    }
    expect(renderMarkdown(report)).toMatch(
      /\| facts right \| manners right \| nearest to its margin \(of it used\) \|/,
    );
    expect(renderMarkdown(report)).toMatch(/\| 100\.0% \| 50\.0% \| manners \(\d{3}%\) \|/);
    const plot = textsOf(renderHtml(report), "Gate tasks right against tokens");
    expect(plot).toContain("1 manners");
    expect(plot).toContain("the retention suite furthest beyond its margin");
  });

  it("says them in an export's text, and stands the check of its tasks", () => {
    const run = store.runs.find("sums-1")!;
    const candidate = store.rounds.all("sums-1")[0]!.candidate!;
    const readme = exportReadme({
      ...{ run, adapter: store.adapters.find(candidate)!, round: 1, examples: 1, merged: null },
      ...{ decision: store.rounds.decision("sums-1", 1), baseSha256: null, baseName: null },
      peftSha256: null,
    });
    expect(readme).toMatch(/\| retention \(facts\) \| 40 → 40 of 40 right/);
    expect(readme).toMatch(/\| retention \(manners\) \| 30 → 15 of 30 right/);
    expect(taskProblems(store, run)).toEqual([]);
  });
});

describe("a run that keeps both suites", () => {
  it("is promoted, and verify finds tasks or margins that were moved afterwards", async () => {
    const where = folder();
    const { store } = await worked(where, null, 1);
    const decisions = store.rounds
      .all("sums-1")
      .map(({ number }) => store.rounds.decision("sums-1", number)!);
    const promoted = decisions.find(({ outcome }) => outcome === "promoted")!;
    expect(promoted.reason).toMatch(/retention \(facts\) \+0\.0 .*retention \(manners\) \+0\.0 /);
    expect(renderMarkdown(readReport(store, "sums-1", "UTC"))).toContain(
      "Decided by all bounds, which it kept.",
    );
    store.close();
    const problemsAfter = (sql: string) => {
      const db = new Database(join(where, "memory", "redistill.db"));
      db.exec(sql);
      db.close();
      const changed = Store.open(join(where, "memory", "redistill.db"), "memory/migrations");
      const found = taskProblems(changed, changed.runs.find("sums-1")!).map(({ what }) => what);
      changed.close();
      return found.join("\n");
    };
    expect(problemsAfter("UPDATE tasks SET suite = 'facts' WHERE suite = 'manners'")).toContain(
      "it has no task of the retention suite manners",
    );
    expect(problemsAfter("UPDATE tasks SET suite = 'other' WHERE suite = 'facts'")).toContain(
      "70 retention tasks are of no suite that its recipe has",
    );
    expect(
      problemsAfter(
        "UPDATE decisions SET evidence = json_set(evidence, '$.retentionSuites[1].margin', 0.9) WHERE round = 1",
      ),
    ).toContain("round 1 was not decided by the retention suites and margins of its recipe");
  });
});
