import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { recipeSchema } from "../../src/core/recipe.js";
import { checkTaskFiles, collectTasks, type TaskGenerator } from "../../src/sources/index.js";

const folder = mkdtempSync(join(tmpdir(), "redistill-"));
const write = (name: string, prompts: string[]) => {
  const path = join(folder, name);
  writeFileSync(
    path,
    prompts.map((prompt) => JSON.stringify({ prompt, reference: "x" })).join("\n"),
  );
  return path;
};
const notAsked = () => Promise.reject(new Error("not asked"));
const none: TaskGenerator = { tasks: notAsked, score: notAsked };
const recipeOf = (tasks: object, more: object = {}) =>
  recipeSchema.parse({ name: "t", rounds: 1, tasks, ...more });
const words = "river stone cloud lamp horse bread glass wheel torch medal".split(" ");
const prompts = Array.from(
  { length: 50 },
  (_, i) => `Write about the ${words[i % 10]} of ${1000 + 37 * i}.`,
);

describe("the tasks of a run", () => {
  it("are split without overlap, the same way each time", async () => {
    const path = write("a.jsonl", prompts);
    const recipe = recipeOf({ source: "jsonl", path, train: 20, gate: 15, sealed: 10 });
    const { tasks } = await collectTasks(recipe, none);
    const of = (split: string) => tasks.filter((task) => task.split === split).map((t) => t.prompt);
    expect([of("train").length, of("gate").length, of("sealed").length]).toEqual([20, 15, 10]);
    expect(new Set(tasks.map(({ prompt }) => prompt)).size).toBe(45);
    expect((await collectTasks(recipe, none)).tasks).toEqual(tasks);
    const other = await collectTasks({ ...recipe, seed: 2 }, none);
    expect(other.tasks).not.toEqual(tasks);
  });

  it("leave out a training task that resembles a held-out one", async () => {
    const repeated = [3, 8, 21].map((i) => prompts[i]!);
    const retention = write("held.jsonl", [...repeated.map((p) => p.toUpperCase()), "Name a hue."]);
    const path = write("b.jsonl", prompts);
    const recipe = recipeOf(
      { source: "jsonl", path, train: 35, gate: 10 },
      { retention: { path: retention }, seed: 5 },
    );
    const { tasks, leftOut } = await collectTasks(recipe, none);
    const of = (split: string) => tasks.filter((task) => task.split === split).map((t) => t.prompt);
    const inGate = repeated.filter((prompt) => of("gate").includes(prompt)).length;
    expect(repeated.some((prompt) => of("train").includes(prompt))).toBe(false);
    expect(leftOut).toBe(repeated.length - inGate);
    expect(leftOut).toBeGreaterThan(0);
  });

  it("are under the names of several retention suites, and resemble a task of none of them", async () => {
    const path = write("several.jsonl", prompts);
    const facts = write("facts.jsonl", ["Name a hue.", "Name a fish."]);
    const copies = [5, 9].map((i) => prompts[i]!.toUpperCase());
    const code = write("code.jsonl", [...copies, "What does a loop do?"]);
    const suites = [
      { name: "facts", path: facts },
      { name: "code", path: code },
    ];
    const recipe = recipeOf(
      { source: "jsonl", path, train: 30, gate: 8 },
      { retention: { suites }, seed: 5 },
    );
    checkTaskFiles(recipe);
    const { tasks } = await collectTasks(recipe, none);
    const of = (name: string) => tasks.filter(({ suite }) => suite === name).map((t) => t.prompt);
    expect(of("facts")).toEqual(["Name a hue.", "Name a fish."]);
    expect(of("code")).toHaveLength(3);
    expect(tasks.filter(({ split }) => split === "retention")).toHaveLength(5);
    expect(
      tasks.filter(({ split, suite }) => split !== "retention" && suite !== undefined),
    ).toEqual([]);
    const train = tasks.filter(({ split }) => split === "train").map(({ prompt }) => prompt);
    expect(train).toHaveLength(30);
    expect([5, 9].some((i) => train.includes(prompts[i]!))).toBe(false);
  });

  it("are refused where two retention suites ask the same, before anything is paid for", async () => {
    const facts = write("one.jsonl", ["Name a hue.", "Name a fish."]);
    const other = write("two.jsonl", ["Name a bird.", "Name a fish. "]);
    const suites = [
      { name: "facts", path: facts },
      { name: "beasts", path: other },
    ];
    const path = write("again.jsonl", prompts);
    const recipe = recipeOf(
      { source: "jsonl", path, train: 20, gate: 10 },
      { retention: { suites } },
    );
    const message = "the retention suites facts and beasts both ask: Name a fish.";
    expect(() => checkTaskFiles(recipe)).toThrow(message);
    await expect(collectTasks(recipe, none)).rejects.toThrow(message);
    const bare = recipeOf(
      { source: "jsonl", path, train: 20, gate: 10 },
      { retention: { suites: [suites[0], { name: "gone", path: join(folder, "gone.jsonl") }] } },
    );
    expect(() => checkTaskFiles(bare)).toThrow("gone.jsonl");
  });

  it("are trained on alone where a judge grades them, and nothing is measured by a rubric", async () => {
    const path = join(folder, "graded.jsonl");
    const line = (prompt: string, i: number) =>
      i % 2 === 0 ? { prompt } : { prompt, reference: "x", verifier: { kind: "exact" } };
    writeFileSync(path, prompts.map((prompt, i) => JSON.stringify(line(prompt, i))).join("\n"));
    const verifier = { kind: "rubric", prompt: "polite" };
    const recipe = recipeOf({ source: "jsonl", path, verifier, train: 20, gate: 15, sealed: 5 });
    const { tasks } = await collectTasks(recipe, none);
    const kinds = (split: string) =>
      new Set(tasks.filter((task) => task.split === split).map((task) => task.verifier.kind));
    expect([kinds("gate"), kinds("sealed")]).toEqual([new Set(["exact"]), new Set(["exact"])]);
    expect(kinds("train")).toContain("rubric");
    const larger = recipeOf({ source: "jsonl", path, verifier, train: 10, gate: 25, sealed: 5 });
    await expect(collectTasks(larger, none)).rejects.toThrow(
      /a rubric cannot decide the gate.*25 of 50 tasks are graded by rubric, and gate and sealed need 30/,
    );
  });

  it("may lack a reference where a judge's preferences are learned", async () => {
    const path = join(folder, "bare.jsonl");
    const line = (prompt: string, i: number) => (i < 30 ? { prompt, reference: "x" } : { prompt });
    writeFileSync(path, prompts.map((prompt, i) => JSON.stringify(line(prompt, i))).join("\n"));
    const sizes = { source: "jsonl", path, train: 40, gate: 5 };
    const judged = { judge: {}, retrain: { method: "dpo", pairs: "judge" } };
    await expect(collectTasks(recipeOf(sizes), none)).rejects.toThrow(/has no reference/);
    // Whatever the lot says, a gate task without a reference is refused.
    await expect(collectTasks(recipeOf(sizes, judged), none)).rejects.toThrow(
      /this gate task has no/,
    );
  });

  it("that are too few are refused with the numbers", async () => {
    const path = write("c.jsonl", prompts.slice(0, 12));
    const recipe = recipeOf({ source: "jsonl", path, train: 10, gate: 10 });
    await expect(collectTasks(recipe, none)).rejects.toThrow(
      /12 different tasks.* 20 are needed \(train 10, gate 10, sealed 0\)/,
    );
  });

  it("of a generator are deduplicated and keep what scoring needs", async () => {
    const generator: TaskGenerator = {
      tasks: async (_dataset, _config, size) =>
        Array.from({ length: size }, (_, i) => ({
          question: `Spell ${words[i % 10]} ${Math.floor(i / 2) * 91}`,
          answer: "y",
          entry: { i },
        })),
      score: async (_dataset, _config, items) =>
        items.map(({ answer }) => (answer === "y" ? 1 : 0)),
    };
    const recipe = recipeOf({ source: "reasoning_gym", dataset: "spell", train: 10, gate: 10 });
    const { tasks } = await collectTasks(recipe, generator);
    expect(new Set(tasks.map(({ prompt }) => prompt)).size).toBe(20);
    expect(tasks[0]?.metadata).toMatchObject({ dataset: "spell", config: {} });
    expect(tasks[0]?.verifier).toEqual({ kind: "reasoning_gym" });
    const strict = { ...generator, score: async () => [0.01] };
    await expect(collectTasks(recipe, strict)).rejects.toThrow('its own reference "y" with 0.01');
  });

  it("without a reference are refused, but for training by majority", async () => {
    const path = join(folder, "bare.jsonl");
    writeFileSync(path, prompts.map((prompt) => JSON.stringify({ prompt })).join("\n"));
    const recipe = recipeOf({ source: "jsonl", path, train: 20, gate: 10 });
    await expect(collectTasks(recipe, none)).rejects.toThrow("gate task has no reference");
  });
});
