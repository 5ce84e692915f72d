import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { statusCommand } from "../../src/cli/commands/status.js";
import { workspaceAt } from "../../src/cli/paths.js";
import type { Recipe } from "../../src/core/recipe.js";
import { readReport, renderMarkdown } from "../../src/report/index.js";
import { isAlive } from "../../src/setup/lock.js";
import type { Store } from "../../src/store/store.js";
import { recordingOutput } from "../cli/support.js";
import { childScript } from "../support/child.js";
import { digestOf } from "../support/digest.js";
import { type FaultPlan, ledgerOf, pidsOf, startFakeEngine } from "../support/engine-process.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const newFolder = () => mkdtempSync(join(tmpdir(), "redistill-engine-run-"));
const databaseOf = (folder: string) => join(folder, "memory", "redistill.db");
const planOf = (folder: string) => join(folder, "engine", "plan.json");
const width = 4;
const recipeIn = (folder: string, changes: Record<string, unknown> = {}) =>
  sumsRecipe(folder, { model: { sequences: width }, ...changes });

/** A run on the fake engine in its own process, from start to end, and what it left behind. */
async function work<T>(
  folder: string,
  recipe: Recipe,
  plan: Partial<FaultPlan>,
  look: (store: Store) => T,
): Promise<T> {
  const model = await startFakeEngine(planOf(folder), plan, {}, width);
  const run = await scriptedRun(folder, recipe, { model });
  try {
    await run.work();
    return look(run.store);
  } finally {
    run.store.close();
    await model.dispose();
    expect(pidsOf(planOf(folder)).filter(isAlive)).toEqual([]);
  }
}

const promptsOf = (store: Store, split: "gate" | "train") =>
  store.tasks.ofSplit("sums-1", split).map(({ prompt }) => prompt);

describe("a run whose engine crashes and hangs", () => {
  const tasks = newFolder();
  const calm = newFolder();
  let gate: string[] = [];
  let elicited = "";
  beforeAll(async () => {
    await work(calm, recipeIn(tasks), {}, (store) => {
      gate = promptsOf(store, "gate");
      const [id] = store.rounds.load("sums-1", 1).elicited;
      elicited = store.tasks.ofSplit("sums-1", "train").find((task) => task.id === id)!.prompt;
    });
  });

  it("ends with the rows of an undisturbed one, and repeats only what was under way", async () => {
    const folder = newFolder();
    const faults = [
      { match: gate[5]!, how: "crash", times: 1 },
      { match: gate[30]!, how: "hang", times: 1 },
      { match: elicited, how: "spin", times: 1 },
      { match: gate[50]!, how: "crash", times: 2 },
    ] as const;
    const restarts = await work(folder, recipeIn(tasks), { faults }, (store) => {
      const { howItWent } = readReport(store, "sums-1");
      return howItWent.others.find(({ what }) => what === "engine restarted")?.count ?? 0;
    });
    expect(restarts).toBe(5);
    expect(digestOf(databaseOf(folder))).toEqual(digestOf(databaseOf(calm)));
    const repeated = ledgerOf(planOf(folder)).length - ledgerOf(planOf(calm)).length;
    expect(repeated).toBeGreaterThanOrEqual(restarts);
    expect(repeated).toBeLessThanOrEqual(restarts * width);
  });

  it("gives up the one request that crashes it each time, shows it, and goes on", async () => {
    const folder = newFolder();
    const recipe = recipeIn(tasks, { rounds: 1 });
    const plan = { faults: [{ match: elicited, how: "crash" } as const] };
    await work(folder, recipe, plan, (store) => {
      expect(store.runs.find("sums-1")!.state).toBe("finished");
      const { attempts, critiques } = store.rounds.load("sums-1", 1);
      const poisoned = attempts.filter(({ verdict }) => verdict.verifier === "engine");
      expect(poisoned).toHaveLength(4);
      for (const { verdict, answer, truncated } of poisoned) {
        expect(verdict).toMatchObject({ outcome: "ungradable", score: null });
        expect(verdict.finding).toContain("the engine crashed each time");
        expect([answer, truncated]).toEqual(["", true]);
      }
      const tasksWithout = poisoned.map(({ taskId }) => taskId);
      expect(critiques.filter(({ taskId }) => tasksWithout.includes(taskId))).toEqual([]);
      const markdown = renderMarkdown(readReport(store, "sums-1"));
      expect(markdown).toContain("Without an answer: 4 requests that crashed the engine each time");
    });
    const output = recordingOutput();
    statusCommand("sums-1", { workspace: workspaceAt(folder), output });
    const shown = output.lines.filter((line) => line.includes("given up in round 1 generate"));
    expect(shown).toHaveLength(4);
    expect(shown[0]).toContain("crashed the engine 3 times");
  });

  it("gives up also what takes the whole program with it each time", async () => {
    const folder = newFolder();
    const recipe = recipeIn(tasks, {
      ...{ rounds: 1, critique: null, refine: null },
      generate: { attempts: 1 },
    });
    const start = () =>
      spawnSync(
        process.execPath,
        [...[childScript("engine-run-child"), folder, JSON.stringify(recipe), planOf(folder)]],
        { encoding: "utf8", timeout: 60_000 },
      );
    // Makes the folder, and the plan that the child finds there.
    const model = await startFakeEngine(planOf(folder), {
      faults: [{ match: elicited, how: "crash with parent" }],
    });
    await model.dispose();
    let deaths = 0;
    let last = start();
    for (; last.signal === "SIGKILL"; last = start()) expect(++deaths).toBeLessThan(6);
    expect(last.stderr).toBe("");
    expect(last.status).toBe(0);
    expect(deaths).toBe(4);
    expect(pidsOf(planOf(folder)).filter(isAlive)).toEqual([]);
    const { store } = await scriptedRun(folder, recipe);
    expect(store.runs.find("sums-1")!.state).toBe("finished");
    expect(store.suspects.quarantined("sums-1")).toMatchObject([{ stage: "generate", crashes: 3 }]);
    store.close();
  });

  it("pauses, giving up nothing, where the engine cannot live; a resumed run ends the same", async () => {
    const folder = newFolder();
    const model = await startFakeEngine(planOf(folder), { widest: 0 }, {}, width);
    const run = await scriptedRun(folder, recipeIn(tasks), { model });
    await expect(run.work()).rejects.toMatchObject({ kind: "paused", reason: "engine" });
    expect(run.store.runs.find("sums-1")!.state).toBe("paused");
    expect(run.store.suspects.quarantined("sums-1")).toEqual([]);
    run.store.close();
    await model.dispose();
    writeFileSync(planOf(folder), JSON.stringify({ faults: [] }));
    await work(folder, recipeIn(tasks), {}, () => {});
    expect(digestOf(databaseOf(folder))).toEqual(digestOf(databaseOf(calm)));
  });
});
