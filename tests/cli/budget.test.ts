import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { withBudgets } from "../../src/cli/budget.js";
import { statusCommand } from "../../src/cli/commands/status.js";
import { fingerprint } from "../../src/cli/fingerprint.js";
import { workspaceAt } from "../../src/cli/paths.js";
import { adoptSettings } from "../../src/controller/adopt.js";
import { budgetSchema } from "../../src/core/budget.js";
import type { Changeable } from "../../src/core/recipe.js";
import { parseRecipe } from "../../src/recipes/load.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";
import { recordingOutput, temporaryFolder } from "./support.js";

const none = budgetSchema.parse({});

describe("--budget", () => {
  it("raises, sets and lifts, and leaves the others as they are", () => {
    const before = budgetSchema.parse({ tokens: 5, calls: 7, night: { minutes: 60 } });
    const after = withBudgets(before, ["tokens=2000000", "night.money=1.5", "night.minutes=none"]);
    expect(after).toEqual(
      budgetSchema.parse({ tokens: 2_000_000, calls: 7, night: { money: 1.5 } }),
    );
    expect(before.tokens).toBe(5);
    expect(withBudgets(before, [])).toEqual(before);
  });

  it.each([
    ["token=5", /did you mean tokens\?/],
    ["night.minute=5", /did you mean night\.minutes\?/],
    ["tokens", /^--budget tokens: /],
    ["tokens=lots", /^--budget tokens=lots: /],
    ["tokens=1.5", /int/],
    ["money=0.0000001", /6 decimals/],
    ["timeZone=UTC", /It takes tokens, calls/],
  ])("refuses %s and says what it takes", (change, message) => {
    expect(() => withBudgets(none, [change])).toThrow(message);
  });
});

describe("a run's budget", () => {
  it("is taken over from a changed recipe, and kept in the run's row", async () => {
    const folder = temporaryFolder();
    const { store } = await scriptedRun(folder, sumsRecipe(folder));
    const run = () => store.runs.find("sums-1")!;
    const adopt = (settings: Partial<Changeable>) =>
      adoptSettings(store, run(), { ...run().recipe, ...settings });
    expect(adopt({})).toEqual([]);
    const budget = budgetSchema.parse({ calls: 9, night: { money: 2 } });
    const prices = { default: { prompt: 1, completion: 2 } };
    expect(() => adopt({ budget })).toThrow(/no entry/);
    expect(run().recipe.budget).toEqual(none);
    const { recipeHash, recipe } = run();
    expect(adopt({ budget, prices })).toEqual(["budget (calls 9, night.money 2)", "prices"]);
    expect(run()).toMatchObject({ recipeHash, recipe: { ...recipe, budget, prices } });
    const last = store.events.of("sums-1").at(-1);
    expect(last).toMatchObject({ kind: "settings", payload: { budget } });
    store.close();
  });

  it("is no part of what makes two runs the same; the rule to stop is", async () => {
    const path = join(temporaryFolder(), "tasks.jsonl");
    writeFileSync(path, "");
    const of = (more: string) =>
      fingerprint(
        parseRecipe(
          `name: small\nrounds: 2\ntasks: {source: jsonl, path: ${path}, train: 4, gate: 4}\n${more}`,
          "r.yaml",
        ),
        [],
      );
    const plain = await of("");
    expect(await of("budget: {tokens: 5, night: {calls: 3}}")).toBe(plain);
    expect(await of("prices: {default: {prompt: 1, completion: 1}}")).toBe(plain);
    expect(await of("stop: {afterRounds: 2}")).not.toBe(plain);
  });

  it("has its mistyped keys named, also in the price table", () => {
    const parse = (more: string) => () =>
      parseRecipe(
        `name: s\nrounds: 2\ntasks: {source: orders, train: 4, gate: 4}\n${more}`,
        "r.yaml",
      );
    expect(parse("budget: {night: {token: 5}}")).toThrow(
      "r.yaml, line 4: unknown key budget.night.token",
    );
    expect(parse("budget: {timeZone: Vienna}")).toThrow(/names are like Europe\/Vienna/);
    try {
      parse("prices: {default: {promt: 1, prompt: 1, completion: 1}}")();
    } catch (error) {
      expect(error).toMatchObject({ hint: expect.stringContaining("prices.default.prompt") });
    }
    expect.assertions(3);
  });

  it("is none for a run of a release that knew no budgets", async () => {
    const folder = temporaryFolder();
    const { store } = await scriptedRun(folder, sumsRecipe(folder));
    store.close();
    const db = new Database(join(folder, "memory", "redistill.db"));
    db.exec("UPDATE runs SET recipe = json_remove(recipe, '$.budget', '$.prices', '$.stop')");
    db.close();
    const again = await scriptedRun(folder, sumsRecipe(folder));
    expect(again.store.runs.find("sums-1")?.recipe).toMatchObject({ budget: none, stop: null });
    await again.work();
    again.store.close();
  });

  it("is shown by status with what was spent", async () => {
    const folder = temporaryFolder();
    const budget = { calls: 50, timeZone: "Europe/Vienna", night: { tokens: 100_000 } };
    const { store, work } = await scriptedRun(folder, sumsRecipe(folder, { budget }));
    await expect(work()).rejects.toThrow(/budget of 50 calls/);
    const output = recordingOutput();
    statusCommand("sums-1", { workspace: workspaceAt(folder), output });
    const text = output.lines.join("\n");
    expect(text).toContain("sums-1: paused, round 1 of 2");
    expect(text).toContain("  paused: run sums-1 has come to the end of its budget of 50 calls");
    expect(text).toContain("  Budget: 50 of 50 calls (100%).");
    expect(text).toMatch(/ {2}Night of \d{4}-\d\d-\d\d: [\d,]+ of 100,000 tokens \(\d+%\)\./);
    expect(text).toMatch(/what to do: .*redistill resume sums-1 --budget calls=\d+/);
    expect(output.results[0]).toMatchObject({
      run: {
        spend: {
          run: expect.arrayContaining([expect.objectContaining({ kind: "calls", spent: "50" })]),
        },
      },
    });
    store.close();
  });
});
