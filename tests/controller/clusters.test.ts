import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { failuresCommand } from "../../src/cli/commands/failures.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { restIds } from "../../src/core/cluster.js";
import type { Script } from "../../src/models/scripted.js";
import { readReport, renderHtml, renderMarkdown, renderTerminal } from "../../src/report/index.js";
import { recordingOutput } from "../cli/support.js";
import { digestOf } from "../support/digest.js";
import { elementsOf, parseHtml, textOf } from "../support/html.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-clusters-"));
const databaseOf = (where: string) => join(where, "memory", "redistill.db");

/** Names that would do harm where they were shown as they are. */
const evil = "<b>carry</b> | `x`";

/** Wrong in two ways: it adds one to odd tasks, and says nothing that is a number to some. */
const script: Script = (request, adapter) => {
  const text = request.messages.at(-1)?.content ?? "";
  if (text.includes("<failures>")) return evil;
  const answer = learner(request, adapter);
  const isTask = text.startsWith("<task>") && !text.includes("<answer>");
  return isTask && /Calculate \d*7 \+/.test(text) ? "I do not know." : answer;
};

async function clustered(changes: Record<string, unknown> = {}, where = folder()) {
  const recipe = sumsRecipe(where, { clusters: {}, ...changes });
  const run = await scriptedRun(where, recipe, { script });
  return { where, run, store: run.store };
}

describe("clusters of a run", () => {
  it("are rows that agree with its attempts, over its rounds", async () => {
    const { run, store } = await clustered();
    await run.work();
    for (const round of [1, 2]) {
      const { attempts, clusters } = store.rounds.load("sums-1", round);
      const failed = attempts.filter(({ verdict }) => verdict.outcome !== "ok");
      expect(failed.length).toBeGreaterThan(0);
      expect(clusters.members.map(({ attemptId }) => attemptId).sort()).toEqual(
        failed.map(({ id }) => id).sort(),
      );
      expect(clusters.sizes.reduce((sum, { failures }) => sum + failures, 0)).toBe(failed.length);
      expect(clusters.sizes.every((size) => size.attempts === attempts.length)).toBe(true);
    }
    const [first, second] = [1, 2].map((round) => store.rounds.load("sums-1", round).clusters);
    expect(first!.sizes.every(({ state }) => state === "born")).toBe(true);
    expect(first!.born.map(({ outcome }) => outcome)).toContain("ungradable");
    // The second round finds the clusters of the first.
    const known = new Set(first!.born.map(({ id }) => id));
    expect(second!.members.some(({ clusterId }) => known.has(clusterId))).toBe(true);
    expect(second!.sizes.some(({ state }) => state !== "born")).toBe(true);
    expect(store.audit.lineage("sums-1")).toEqual([]);
    store.close();
  });

  it("are what a policy sees: of wrong answers, of the rounds before alone", async () => {
    const { run, store } = await clustered();
    await run.work();
    expect(store.clusters.ofRun("sums-1", 1)).toEqual([]);
    expect(store.clusters.ofTasks("sums-1", 1).size).toBe(0);
    const seen = store.clusters.ofRun("sums-1", 2);
    const { attempts, clusters } = store.rounds.load("sums-1", 1);
    const wrong = clusters.born.filter(({ outcome }) => outcome === "wrong");
    expect(seen.map(({ id }) => id)).toEqual(wrong.map(({ id }) => id));
    expect(seen[0]).toMatchObject({ state: "born", sizes: [{ round: 1 }] });
    expect(store.clusters.ofRun("sums-1", 3)[0]!.sizes).toHaveLength(2);

    const ofTasks = store.clusters.ofTasks("sums-1", 2);
    const failing = new Set(
      attempts.filter(({ verdict }) => verdict.outcome === "wrong").map(({ taskId }) => taskId),
    );
    expect(new Set(ofTasks.keys())).toEqual(failing);
    const ids = new Set([...seen.map(({ id }) => id), restIds.wrong]);
    expect([...ofTasks.values()].every((id) => ids.has(id))).toBe(true);
    store.close();
  });

  it("hold nothing of gate, sealed and retention tasks, and neither do the questions for names", async () => {
    const where = folder();
    const path = join(where, "retention.jsonl");
    const kept = Array.from({ length: 4 }, (_, n) => `Which colour has thing ${n}?`);
    writeFileSync(
      path,
      kept.map((prompt) => JSON.stringify({ prompt, reference: "red" })).join("\n"),
    );
    const { run, store } = await clustered({ retention: { path } }, where);
    await run.work();
    const db = new Database(databaseOf(where), { readonly: true });
    const splits = db
      .prepare(
        `SELECT DISTINCT split FROM cluster_members m
           JOIN attempts a ON a.run_id = m.run_id AND a.id = attempt_id
           JOIN tasks t ON t.run_id = m.run_id AND t.id = task_id`,
      )
      .pluck()
      .all();
    expect(splits).toEqual(["train"]);
    const asked = db
      .prepare("SELECT messages FROM calls WHERE paid_in_stage = 'cluster'")
      .pluck()
      .all() as string[];
    const rows = JSON.stringify(db.prepare("SELECT * FROM clusters").all());
    db.close();
    expect(asked.length).toBeGreaterThan(0);
    const held = (["gate", "sealed", "retention"] as const).flatMap((split) =>
      store.tasks.ofSplit("sums-1", split),
    );
    expect(held.length).toBeGreaterThan(80);
    for (const { prompt } of held) {
      expect([...asked, rows].some((text) => text.includes(prompt))).toBe(false);
    }
    store.close();
  });

  it("are the same after a stop in the middle of naming", async () => {
    const calm = await clustered();
    await calm.run.work();
    const where = folder();
    const abort = new AbortController();
    const recipe = sumsRecipe(calm.where, { clusters: {} });
    const disturbed = await scriptedRun(where, recipe, {
      script: (request, adapter) => {
        if (request.messages.at(-1)!.content.includes("<failures>")) abort.abort();
        return script(request, adapter);
      },
    });
    await expect(disturbed.work(abort.signal)).rejects.toThrow(/was stopped/);
    await disturbed.work();
    expect(digestOf(databaseOf(where))).toEqual(digestOf(databaseOf(calm.where)));
    calm.store.close();
    disturbed.store.close();
  });

  it("are in the report, with an example each, made safe to show", async () => {
    const { run, store } = await clustered();
    await run.work();
    const report = readReport(store, "sums-1", "UTC");
    const wrong = report.clusters!.find(
      ({ id }) => store.clusters.ofRun("sums-1", 9)[0]!.id === id,
    )!;
    expect(wrong.name).toBe(evil.replace(/`$/, ""));
    expect(wrong.example.task).toMatch(/^Calculate/);
    const markdown = renderMarkdown(report);
    expect(markdown).toContain("## Failures by what went wrong");
    expect(markdown).toMatch(
      /- ``<b>carry<\/b> \| `x``: \w+; [▁-█]{2} \d+, \d+ of 80, 80 attempts in rounds 1 to 2\./,
    );
    expect(markdown).toContain("ungradable; ");
    expect(renderTerminal(report)).toContain("Failures by what went wrong\n");
    const page = parseHtml(renderHtml(report));
    const section = elementsOf(page).find(({ attributes }) => attributes.id === "clusters")!;
    expect(textOf(section)).toContain("<b>carry</b>");
    store.close();
  });

  it("are absent from runs that do not want them", async () => {
    const where = folder();
    const { store, work } = await scriptedRun(where, sumsRecipe(where));
    await work();
    expect(store.clusters.before("sums-1", 9)).toEqual([]);
    expect(store.rounds.stages("sums-1").map(({ stage }) => stage)).not.toContain("cluster");
    const report = readReport(store, "sums-1", "UTC");
    expect("clusters" in report).toBe(false);
    const shown = [renderMarkdown(report), renderTerminal(report), renderHtml(report)].join("");
    expect(shown).not.toContain("what went wrong");
    store.close();
  });
});

describe("redistill failures", () => {
  const options = (where: string) => ({ workspace: workspaceAt(where), output: recordingOutput() });

  it("lists the groups of a run, the largest first", async () => {
    const { where, run, store } = await clustered();
    await run.work();
    store.close();
    const shared = options(where);
    await failuresCommand(undefined, shared);
    expect(shared.output.lines[0]).toMatch(/^<b>carry<\/b> \| `x: \w+; [▁-█]+ /);
    expect(shared.output.lines[1]).toMatch(/^ {4}Task: Calculate/);
    const [result] = shared.output.results as { kind: string; run: string; clusters: unknown[] }[];
    expect(result).toMatchObject({ kind: "failures", run: "sums-1" });
    expect(result!.clusters.length).toBeGreaterThan(1);
    await expect(failuresCommand("sums-7", shared)).rejects.toThrow(/no run sums-7/);
  });

  it("says how to have groups where a run has none", async () => {
    const where = folder();
    const { store } = await scriptedRun(where, sumsRecipe(where));
    store.close();
    const shared = options(where);
    await failuresCommand(undefined, shared);
    expect(shared.output.lines.join()).toContain("Set `clusters: {}` in its recipe");
    const early = await clustered();
    early.store.close();
    const none = options(early.where);
    await failuresCommand(undefined, none);
    expect(none.output.lines).toEqual(["sums-1 has no failures yet."]);
  });
});
