import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { adoptBudget } from "../../src/cli/budget.js";
import { budgetSchema } from "../../src/core/budget.js";
import { PausedError, RedistillError } from "../../src/core/errors.js";
import { readReport, renderHtml, renderMarkdown, renderTerminal } from "../../src/report/index.js";
import { parseHtml, textOf } from "../support/html.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";
import { gameableRecipe, gaming } from "../support/unhealthy.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "redistill-ended-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const said = (report: ReturnType<typeof readReport>) => [
  renderTerminal(report),
  renderMarkdown(report).replaceAll("\\", ""),
  textOf(parseHtml(renderHtml(report))),
];

describe("a run that ended early", () => {
  it("says what it waits for and what to do, and once it went on no longer", async () => {
    const limited = sumsRecipe(folder, { budget: { rounds: 1 } });
    const { store, work } = await scriptedRun(folder, limited);
    const error: PausedError = await work().then(
      () => Promise.reject(new Error("it was not paused")),
      (cause) => cause,
    );
    expect(store.events.of("sums-1").at(-1)).toMatchObject({
      kind: "paused",
      payload: { reason: error.message, cause: "budget", hint: error.hint },
    });
    const report = readReport(store, "sums-1", "UTC");
    expect(report.ended).toEqual({ state: "paused", reason: error.message, hint: error.hint });
    // The hint says how to go on; a bare `resume` would only pause again.
    expect(report.advice.filter(({ command }) => command?.includes("resume"))).toEqual([]);
    for (const text of said(report)) {
      expect(text).toContain("sums-1 --budget rounds=2");
      expect(text).toContain("run waits: run sums-1 has come to the end of its budget of 1 round");
      // The hint is for the reader, not for the timeline.
      expect(text).toContain("1 spent (cause budget)");
    }
    expect(report.headline).toMatch(/^sums-1 is paused, 1 of 2 rounds decided: /);

    const run = store.runs.find("sums-1")!;
    const budget = budgetSchema.parse({ rounds: 2 });
    adoptBudget(store, run, { budget, prices: {} }, () => {});
    await work();
    const finished = readReport(store, "sums-1", "UTC");
    expect(finished.ended).toBeNull();
    // A wish is no fault; it stands in the gap that it ended.
    expect(finished.howItWent.others).toEqual([]);
    const timeline = finished.howItWent.timeline.map(({ text }) => text);
    const place = timeline.findIndex((text) => text.startsWith("Paused"));
    expect(timeline.slice(place + 1, place + 4)).toEqual([
      expect.stringMatching(/^Not running for .*: waiting \(budget\)$/),
      "Budget: rounds 2",
      "Resumed",
    ]);
    store.close();
  });

  it("says what can be done about a failure, and how to go on after it", async () => {
    const broken = new RedistillError("training", "the trainer is gone", "Run `redistill doctor`.");
    const train = () => Promise.reject(broken);
    const { store, work } = await scriptedRun(folder, sumsRecipe(folder), { train });
    await expect(work()).rejects.toThrow("the trainer is gone");
    const report = readReport(store, "sums-1", "UTC");
    expect(report.advice.slice(0, 2)).toMatchObject([
      { text: "Run `redistill doctor`.", because: "The run failed: the trainer is gone" },
      { command: "redistill resume sums-1" },
    ]);
    expect(renderMarkdown(report)).toContain("- Run `redistill doctor`.\n");
    expect(report.headline).toContain("has failed");
    store.close();
  });

  it("does not take an older pause's hint where the last one found no room", async () => {
    const { store, work } = await scriptedRun(
      folder,
      sumsRecipe(folder, { budget: { rounds: 1 } }),
    );
    await expect(work()).rejects.toThrow(PausedError);
    store.events.append("sums-1", null, "resumed", {});
    store.runs.release("sums-1", "paused", "the database is full");
    const { ended, advice } = readReport(store, "sums-1", "UTC");
    expect(ended).toEqual({ state: "paused", reason: "the database is full", hint: null });
    expect(advice[0]).toMatchObject({ command: "redistill resume sums-1" });
    store.close();
  });

  it("says in the timeline and beside the results why it stopped at a plateau", async () => {
    const recipe = sumsRecipe(folder, { rounds: 4, stop: { afterRounds: 2 } });
    const script: typeof learner = (request) => learner(request, null);
    const { store, work } = await scriptedRun(folder, recipe, { script });
    await work();
    for (const text of said(readReport(store, "sums-1", "UTC"))) {
      expect(text).toContain("Stopped early, after 2 of 4 rounds: the last 2 rounds gained +0.0");
      expect(text).toContain("Finished early: the last 2 rounds gained +0.0");
    }
    store.close();
  });
});

it("shows everywhere what monitors saw and took back, with what to do", async () => {
  const recipe = gameableRecipe(folder, { length: { action: "roll-back" } });
  const { store, work } = await scriptedRun(folder, recipe, { script: gaming });
  await work();
  const report = readReport(store, "sums-1", "UTC");
  expect(report.howItWent.others).toEqual([]);
  for (const text of said(report)) {
    expect(text).toContain("Health of learning");
    expect(text).toContain("! 98 chars");
    expect(text).toContain("Taken back afterwards by what watches the health of learning: length.");
    expect(text).toContain("The monitor length fired in rounds 1 and 2.");
    // Hashes are cut, lists are read out.
    expect(text).toMatch(/Round 1 rolled back: from [0-9a-f]{12}, monitors length/);
  }
  store.close();
});
