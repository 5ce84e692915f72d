import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { statusCommand } from "../../src/cli/commands/status.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { chainProblems } from "../../src/operations/verify-chain.js";
import { suiteProblems } from "../../src/operations/verify-suites.js";
import { readReport, renderHtml, renderMarkdown } from "../../src/report/index.js";
import { recordingOutput } from "../cli/support.js";
import { foldersFor } from "../support/folders.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = foldersFor("look", "each");

const gate = { test: "sequential", attempts: 2 };

async function finished(changes: Record<string, unknown> = {}, script = learner) {
  const where = folder();
  const run = await scriptedRun(where, sumsRecipe(folder(), { gate, ...changes }), { script });
  await run.work();
  return { where, ...run };
}

describe("a run with a sequential gate", () => {
  it("stops a look that is decided, keeps every answer, and says so everywhere", async () => {
    const { where, store } = await finished();
    const first = store.rounds.decision("sums-1", 1)!;
    expect(first).toMatchObject({ outcome: "promoted", look: { outcome: "better", attempts: 2 } });
    const { tasks } = first.look!;
    expect(tasks).toBeLessThan(60);
    const base = store.rounds.evaluations.of("sums-1", "gate", null);
    expect(base.length).toBeGreaterThanOrEqual(tasks);
    expect(base.length).toBeLessThan(60);
    expect(base.every(({ sampled }) => sampled?.length === 1)).toBe(true);
    // The second round's level has the share that the promotion did not lose.
    expect(first.alpha).toBeCloseTo(0.025);
    expect(store.rounds.decision("sums-1", 2)!.alpha).toBeCloseTo(0.05);

    const run = store.runs.find("sums-1")!;
    expect([...suiteProblems(store, run), ...chainProblems(store, run)]).toEqual([]);
    expect(store.audit.lineage("sums-1")).toEqual([]);
    expect(store.audit.strayAnswers("sums-1")).toEqual([]);

    const said = `decided after ${tasks} of 60 tasks; wealth `;
    const output = recordingOutput();
    statusCommand("sums-1", { workspace: workspaceAt(where), output });
    expect(output.lines.join("\n")).toContain(said);
    const report = readReport(store, "sums-1", "UTC");
    const markdown = renderMarkdown(report);
    expect(markdown).toContain(`Gate, task by task, 2 attempts each: `);
    expect(markdown).toContain(said);
    expect(markdown).toContain("First answers to these tasks: ");
    expect(markdown).toContain("each may stop at any task, at level 0.025 or more");
    expect(markdown).not.toContain("each tested one-sided");
    expect(renderHtml(report)).toContain(said);
    store.close();
  });

  it("compares base and final weights on the tasks that both were asked", async () => {
    const { store } = await finished();
    const { incumbent } = store.runs.find("sums-1")!;
    const asked = (adapter: string | null) =>
      store.rounds.evaluations.of("sums-1", "gate", adapter).length;
    const suite = readReport(store, "sums-1").suites.find((each) => each.suite === "gate")!;
    expect(suite.tasks).toBe(Math.min(asked(null), asked(incumbent)));
    expect(suite.comparison!.tasks).toBe(suite.tasks);
    store.close();
  });

  it("gives advice from what the look was, where nothing was shown", async () => {
    const { store } = await finished({}, (request) => learner(request, null));
    const decision = store.rounds.decision("sums-1", 1)!;
    expect(decision).toMatchObject({ outcome: "rejected", look: { outcome: "open", tasks: 60 } });
    const markdown = renderMarkdown(readReport(store, "sums-1", "UTC"));
    expect(markdown).toContain("undecided after 60 of 60 tasks; wealth 1, 40 needed");
    expect(markdown).not.toContain("a true gain of about");
    store.close();
  });

  it("has answers that gc may not take for orphans, and that verify misses", async () => {
    const { where, store } = await finished();
    const db = new Database(join(where, "memory/redistill.db"));
    db.pragma("foreign_keys = OFF");
    db.exec("UPDATE calls SET paid_by_run = 'gone'");
    const sampled = db
      .prepare("SELECT DISTINCT call_key FROM sampled_evaluations")
      .pluck()
      .all() as string[];
    expect(sampled.length).toBeGreaterThan(20);
    const orphans = new Set(store.housekeeping.orphanedKeys());
    expect(sampled.filter((key) => orphans.has(key))).toEqual([]);
    db.prepare("DELETE FROM calls WHERE key = ?").run(sampled[0]);
    expect(JSON.stringify(store.audit.lineage("sums-1"))).toContain("sampled_evaluations");
    db.exec("DELETE FROM evaluations WHERE suite = 'gate' AND adapter = '' AND position > 2");
    db.close();
    const problems = suiteProblems(store, store.runs.find("sums-1")!).map(({ what }) => what);
    expect(problems.join("\n")).toMatch(/answered 3 of the \d+ gate tasks that decided round 1/);
    store.close();
  });
});
