import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exportCommand } from "../../src/cli/commands/export.js";
import { sampleCommand } from "../../src/cli/commands/sample.js";
import { snapshotPrompts } from "../../src/cli/prompts.js";
import { sha256 } from "../../src/core/hash.js";
import { callKey } from "../../src/store/calls.js";
import { Store } from "../../src/store/store.js";
import { learner, sumsRecipe } from "../support/scripted-run.js";
import { type FinishedWorkspace, finishedWorkspace, temporaryFolder } from "./support.js";

const recipe = { retrain: { method: "memory" } };
const remembering = () => finishedWorkspace(learner, recipe);

function storeOf({ options }: FinishedWorkspace): Store {
  return Store.openReadOnly(options.workspace.database, "memory/migrations");
}

describe("a run that learned by memory", () => {
  it("is sampled exactly as it was evaluated", async () => {
    const workspace = await remembering();
    const { options, model, incumbent } = workspace;
    const store = storeOf(workspace);
    const [task] = store.tasks.ofSplit("sums-1", "gate");
    const keys = [null, incumbent].map(
      (adapter) => store.rounds.evaluations.of("sums-1", "gate", adapter)[0]!.callKey,
    );
    store.close();
    await sampleCommand(task!.prompt, {}, { ...options, load: async () => ({ model }) });
    const asked = model.ledger.map(({ request, adapter }) =>
      callKey(request, model.digest, adapter),
    );
    expect(asked).toEqual(keys);
  });

  it("exports the memory with its evidence and as messages, and no weights", async () => {
    const workspace = await remembering();
    const { folder, options, incumbent, model } = workspace;
    await exportCommand(undefined, {}, options);
    const at = (name: string) => join(folder, "exports", "sums-1", name);
    const read = (name: string) => readFileSync(at(name), "utf8");
    expect(sha256(read("memory.json"))).toBe(incumbent);
    expect(["adapter.gguf", "peft"].some((name) => existsSync(at(name)))).toBe(false);
    const messages = JSON.parse(read("messages.json"));
    // Put in the place of the task, a task gives the messages that the gate asked.
    const store = storeOf(workspace);
    const [task] = store.tasks.ofSplit("sums-1", "gate");
    const key = store.rounds.evaluations.of("sums-1", "gate", incumbent)[0]!.callKey;
    store.close();
    const filled = JSON.parse(JSON.stringify(messages).replace("{{task}}", task!.prompt));
    await sampleCommand(task!.prompt, {}, { ...options, load: async () => ({ model }) });
    const request = model.ledger.at(-1)!.request;
    expect(callKey(request, model.digest, null)).toBe(key);
    expect(request.messages).toEqual(filled);
    expect(read("memory.md")).toContain("Carry the tens into the next column.");
    expect(read("README.md")).toContain("as text before each question");
    expect(read("README.md")).not.toContain("llama-cli");
  });

  it("is not used when its file was changed", async () => {
    const workspace = await remembering();
    const { folder, options, incumbent, model } = workspace;
    const store = storeOf(workspace);
    const { memoryPath } = store.adapters.find(incumbent!)!;
    store.close();
    const path = join(folder, memoryPath!);
    writeFileSync(path, readFileSync(path, "utf8").replace("Carry", "Drop"));
    const sampled = sampleCommand(
      "Calculate 1 + 2.",
      {},
      { ...options, load: async () => ({ model }) },
    );
    await expect(sampled).rejects.toThrow(/not the adapter that was trained/);
    await expect(exportCommand(undefined, {}, options)).rejects.toMatchObject({ kind: "model" });
  });
});

describe("the prompts of a memory", () => {
  const workspace = { root: temporaryFolder() } as never;
  const recipeOf = (changes: object) =>
    sumsRecipe(temporaryFolder(), { critique: null, refine: null, ...changes });

  it("are part of the run where the recipe has one, and of no other", () => {
    const stages = (changes: object) =>
      snapshotPrompts(recipeOf(changes), workspace).map(({ stage, name }) => `${stage}/${name}`);
    expect(stages({})).toEqual(["student/answer"]);
    const all = ["student/answer", "memory/recall", "distil/lesson"];
    expect(stages(recipe)).toEqual(all);
    expect(stages({ memory: {} })).toEqual(all);
  });

  it("are refused where the student would not see a lesson or the question", () => {
    const wrong = (body: string) => {
      const root = temporaryFolder();
      const folder = join(root, "prompts", "memory");
      const variables = [...body.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).join(", ");
      mkdirSync(folder, { recursive: true });
      writeFileSync(
        join(folder, "recall.md"),
        `---\nname: recall\nversion: 1\nvariables: [${variables}]\n---\n${body}\n`,
      );
      return () => snapshotPrompts(recipeOf(recipe), { root } as never);
    };
    expect(wrong("{{question}}")).toThrow(/does not name \{\{lessons\}\}/);
    expect(wrong("{{lessons}}")).toThrow(/does not name \{\{question\}\}/);
    expect(wrong("{{lessons}} {{question}}")).not.toThrow();
  });
});
