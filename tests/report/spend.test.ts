import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { budgetSchema } from "../../src/core/budget.js";
import { readReport, renderMarkdown, renderTerminal } from "../../src/report/index.js";
import { ManualClock } from "../support/manual-clock.js";
import { learner, scriptedRun, sumsRecipe } from "../support/scripted-run.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "redistill-spend-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the report's spend against budget", () => {
  it("has each budget, each night and each round, and figures that agree with the rows", async () => {
    const clock = new ManualClock(Date.parse("2026-11-23T10:00:00Z"));
    const script: typeof learner = (request, adapter) => {
      clock.advance(30_000);
      return learner(request, adapter);
    };
    const changes = {
      budget: { tokens: 50_000, timeZone: "Europe/Vienna", night: { calls: 1_000 } },
      prices: { default: { prompt: 1, completion: 2 } },
    };
    const { store, work } = await scriptedRun(folder, sumsRecipe(folder, changes), {
      script,
      clock,
    });
    await work();
    const report = readReport(store, "sums-1");
    // JSON has no bigint.
    expect(() => JSON.stringify(report)).not.toThrow();
    const { spend } = report.howItWent;
    expect(spend.outlook).toBeNull();
    const sum = (key: "calls" | "promptTokens" | "completionTokens") =>
      report.howItWent.stages.reduce((total, row) => total + row[key], 0);
    const tokens = sum("promptTokens") + sum("completionTokens");
    const markdown = renderMarkdown(report);
    const terminal = renderTerminal(report);
    const share = Math.round(tokens / 500);
    for (const text of [markdown, terminal]) {
      expect(text).toContain("Spend against budget");
      expect(text).toContain(
        `Budget: ${tokens.toLocaleString("en-US")} of 50,000 tokens (${share}%).`,
      );
      expect(text).toMatch(/Night of 2026-11-22: 119 of 1,000 calls \(12%\)\./);
      expect(text).toMatch(/Night of 2026-11-23: \d+ of 1,000 calls/);
      const money = (sum("promptTokens") + 2 * sum("completionTokens")) / 1e6;
      expect(text).toContain(`Cost: ${money}, at the recipe's prices.`);
    }
    expect(markdown).toContain("| calls paid | tokens | money |");
    const perRound = spend.rounds.map(({ calls }) => Number(calls.replace(",", "")));
    expect(perRound.reduce((a, b) => a + b, 0)).toBe(sum("calls"));
    store.close();
  });

  it("says what going on would take while a run is unfinished", async () => {
    const { store, work } = await scriptedRun(
      folder,
      sumsRecipe(folder, { budget: { rounds: 1 } }),
    );
    await expect(work()).rejects.toThrow(/budget of 1 round/);
    const text = renderTerminal(readReport(store, "sums-1"));
    expect(text).toContain("Budget: 1 of 1 round (100%).");
    expect(text).toContain("Going on to the last round would take about");
    expect(text).toContain("Cost: 0, all on this machine.");
    expect(text).toContain("Paused once; nothing was paid for twice.");
    // A run that goes on after a pause did not crash.
    store.runs.setBudget("sums-1", { budget: budgetSchema.parse({}), prices: {} });
    await work();
    expect(readReport(store, "sums-1").howItWent).toMatchObject({
      pauses: [{ what: "budget", count: 1 }],
      crashes: 0,
    });
    store.close();
  });
});
