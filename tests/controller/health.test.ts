import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { PausedError } from "../../src/core/errors.js";
import { readReport, renderMarkdown, renderTerminal } from "../../src/report/index.js";
import type { Store } from "../../src/store/store.js";
import { type ScriptedRun, scriptedRun, sumsRecipe } from "../support/scripted-run.js";
import { collapsing, gameableRecipe, gaming } from "../support/unhealthy.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-"));

const fired = (store: Store) =>
  store.readings
    .of("sums-1")
    .filter((reading) => reading.fired)
    .map(({ round, monitor }) => `${round} ${monitor}`);

const eventsOf = (store: Store, kind: string) =>
  store.events.of("sums-1").filter((event) => event.kind === kind);

const notes = (run: ScriptedRun) =>
  run.seen.flatMap((progress) => (progress.kind === "note" ? [progress.text] : []));

const paused = (run: ScriptedRun): Promise<PausedError> =>
  run.work().then(
    () => Promise.reject(new Error("the run was not paused")),
    (error: PausedError) => error,
  );

describe("a healthy run", () => {
  it("has readings in every round, none of which fires", async () => {
    const where = folder();
    const run = await scriptedRun(where, sumsRecipe(where));
    await run.work();
    const readings = run.store.readings.of("sums-1");
    expect(new Set(readings.map(({ round }) => round))).toEqual(new Set([1, 2]));
    expect(readings.map(({ monitor }) => monitor)).toEqual(
      expect.arrayContaining(["distinct", "selfSimilarity", "length", "truncated", "fresh", "gap"]),
    );
    expect(fired(run.store)).toEqual([]);
    expect(notes(run)).toEqual([]);
    expect(eventsOf(run.store, "health")).toEqual([]);
    expect(renderMarkdown(readReport(run.store, "sums-1"))).toContain("- No monitor fired.");
    run.store.close();
  });

  it("goes on when its recipe was written before there were monitors", async () => {
    const where = folder();
    const recipe = sumsRecipe(where);
    const { store } = await scriptedRun(where, recipe);
    store.close();
    const db = new Database(join(where, "memory/redistill.db"));
    db.exec("UPDATE runs SET recipe = json_remove(recipe, '$.health')");
    db.close();
    const run = await scriptedRun(where, recipe);
    await run.work();
    expect(run.store.readings.of("sums-1").length).toBeGreaterThan(0);
    run.store.close();
  });

  it("compares a majority with the references that it was not shown", async () => {
    const where = folder();
    const majority = { teacher: { labels: "majority", majorityShare: 0.4 } };
    const recipe = sumsRecipe(where, { ...majority, critique: null, refine: null });
    // Most say 5, which no reference is: the majority calls all of them right.
    const run = await scriptedRun(where, recipe, { script: () => "5" });
    await run.work();
    const judge = run.store.readings.of("sums-1").filter(({ monitor }) => monitor === "judge");
    expect(judge.map(({ round, value }) => [round, value])).toEqual([
      [1, 1],
      [2, 1],
    ]);
    run.store.close();
    const other = await scriptedRun(folder(), sumsRecipe(where));
    await other.work();
    const monitors = other.store.readings.of("sums-1").map(({ monitor }) => monitor);
    expect(monitors).not.toContain("judge");
    other.store.close();
  });
});

describe("a student that says one sentence", () => {
  const recipe = (where: string) =>
    sumsRecipe(where, {
      health: { distinct: { action: "stop" }, selfSimilarity: { action: "stop" } },
    });

  it("stops the run, which goes on when it is resumed, and stops at the next such round", async () => {
    const where = folder();
    const run = await scriptedRun(where, recipe(where), { script: collapsing });
    const error = await paused(run);
    expect(error).toMatchObject({ reason: "health", exitCode: 75 });
    expect(error.message).toMatch(/waits after round 1: distinct: in the candidate's gate answers/);
    expect(error.hint).toContain("redistill resume sums-1");
    expect(run.store.runs.find("sums-1")).toMatchObject({
      state: "paused",
      failure: error.message,
    });
    // The round was committed before.
    expect(run.store.rounds.all("sums-1").at(-1)?.finishedAt).not.toBeNull();
    expect(fired(run.store)).toEqual(
      expect.arrayContaining(["1 distinct", "1 selfSimilarity", "1 ungradable"]),
    );
    expect(notes(run).join("\n")).toMatch(
      /Health, round 1: distinct fired: .*; the run stops here/,
    );

    const second = await paused(run);
    expect(second.message).toContain("waits after round 2");
    await run.work();
    expect(run.store.runs.find("sums-1")?.state).toBe("finished");
    expect(eventsOf(run.store, "paused")).toHaveLength(2);
    run.store.close();
  });

  it("stops the run again when a crash took the pause away", async () => {
    const where = folder();
    const run = await scriptedRun(where, recipe(where), { script: collapsing });
    await paused(run);
    run.store.close();
    const db = new Database(join(where, "memory/redistill.db"));
    db.exec("DELETE FROM events WHERE kind = 'paused'");
    db.close();
    const again = await scriptedRun(where, recipe(where), { script: collapsing });
    expect((await paused(again)).message).toContain("waits after round 1");
    expect((await paused(again)).message).toContain("waits after round 2");
    again.store.close();
  });
});

describe("a student that games its verifier", () => {
  it("is promoted by the gate, and the growing answers are reported", async () => {
    const where = folder();
    const run = await scriptedRun(where, gameableRecipe(where, {}), { script: gaming });
    await run.work();
    expect(run.store.rounds.decision("sums-1", 1)?.outcome).toBe("promoted");
    expect(fired(run.store)).toContain("1 length");
    expect(eventsOf(run.store, "health")[0]).toMatchObject({ round: 1 });
    expect(notes(run).join("\n")).toContain("Health, round 1: length fired: ");
    const report = readReport(run.store, "sums-1");
    for (const text of [renderMarkdown(report), renderTerminal(report)]) {
      expect(text).toContain("Health of learning");
      expect(text).toMatch(/length[ |]+! \d+ chars/);
      expect(text).toMatch(/Round 1, length: the candidate's gate answers have \d+ characters/);
    }
    run.store.close();
  });

  it("loses its promotion where the recipe says roll-back", async () => {
    const where = folder();
    const recipe = gameableRecipe(where, { length: { action: "roll-back" } });
    const run = await scriptedRun(where, recipe, { script: gaming });
    await run.work();
    const { store } = run;
    // What the gate decided stays written; the incumbent is what it was.
    expect(store.rounds.decision("sums-1", 1)?.outcome).toBe("promoted");
    expect(store.readings.rolledBack("sums-1")).toEqual([1, 2]);
    expect(store.rounds.all("sums-1").map(({ incumbent }) => incumbent)).toEqual([null, null]);
    expect(store.runs.find("sums-1")?.incumbent).toBeNull();
    const candidate = store.rounds.all("sums-1")[0]!.candidate;
    expect(eventsOf(store, "rolled back")[0]).toMatchObject({
      round: 1,
      payload: { from: candidate, to: null, monitors: ["length"] },
    });
    expect(store.rounds.evaluations.of("sums-1", "sealed", candidate)).toEqual([]);
    const markdown = renderMarkdown(readReport(store, "sums-1"));
    expect(markdown).toContain(
      "No promotion stands, those of rounds 1 and 2 were taken back; the base weights are the incumbent",
    );
    expect(markdown).toContain("Round 1 promoted, then rolled back\n");
    expect(markdown).toContain("; the promotion was taken back.");
    store.close();
  });

  it("has nothing to lose where the gate did not promote", async () => {
    const where = folder();
    const recipe = sumsRecipe(where, { health: { distinct: { action: "roll-back" } } });
    const run = await scriptedRun(where, recipe, { script: collapsing });
    await run.work();
    expect(run.store.rounds.decision("sums-1", 1)?.outcome).toBe("rejected");
    expect(eventsOf(run.store, "rolled back")).toEqual([]);
    expect(notes(run)[0]).toContain("; nothing to roll back, since nothing was promoted");
    run.store.close();
  });
});
