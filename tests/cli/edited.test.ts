import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { resumeCommand, runCommand } from "../../src/cli/commands/run.js";
import { fingerprint } from "../../src/cli/fingerprint.js";
import { migrationsDirectory, workspaceAt } from "../../src/cli/paths.js";
import { promptsFrom, snapshotPrompts } from "../../src/cli/prompts.js";
import { RedistillError } from "../../src/core/errors.js";
import { loadRecipe } from "../../src/recipes/load.js";
import { Store } from "../../src/store/store.js";
import { sumsFile } from "../support/scripted-run.js";
import { recordingOutput, temporaryFolder } from "./support.js";

const recipeText = `name: sums
rounds: 2
tasks: {source: jsonl, path: sums.jsonl, verifier: {kind: numeric}, train: 40, gate: 60}
student: {prompt: mine}
`;
const promptText = "---\nname: mine\nversion: 1\nvariables: [task]\n---\nQ: {{task}}\n";

/** A workspace with a recipe, a prompt, and a run of them that was stopped. */
async function withUnfinishedRun() {
  const folder = temporaryFolder();
  const [recipePath, promptPath] = [
    join(folder, "sums.yaml"),
    join(folder, "prompts/student/mine.md"),
  ];
  sumsFile(folder, 160);
  writeFileSync(recipePath, recipeText);
  mkdirSync(join(folder, "prompts", "student"), { recursive: true });
  writeFileSync(promptPath, promptText);
  const workspace = workspaceAt(folder);
  const recipe = loadRecipe(recipePath);
  const prompts = snapshotPrompts(recipe, workspace);
  const store = Store.open(workspace.database, migrationsDirectory);
  const recipeHash = await fingerprint(recipe, prompts);
  store.transaction(() =>
    store.runs.create({
      ...{ id: "sums-1", recipe, recipeHash, prompts, folder: "runs/sums-1" },
      ...{ modelDigest: "d", modelPath: "default", modelSha256: "0" },
    }),
  );
  /** Ends before an engine is started: when it is refused, or with this when it is not. */
  const stop = new AbortController();
  stop.abort(new Error("went on to start the engine"));
  const run = (flags: Parameters<typeof runCommand>[1] = {}) =>
    runCommand(recipePath, flags, {
      workspace,
      output: recordingOutput(),
      signal: stop.signal,
    }).then(
      () => {
        throw new Error("it was not stopped");
      },
      (error: RedistillError) => error,
    );
  const resume = async () => {
    const output = recordingOutput();
    const options = { workspace, output, signal: stop.signal };
    const error = await resumeCommand("sums-1", {}, options).then(
      () => new Error("it was not stopped"),
      (thrown: Error) => thrown,
    );
    return { error, notes: output.notes };
  };
  return { folder, recipePath, promptPath, store, run, resume };
}

describe("a recipe or prompt that is edited while its run is unfinished", () => {
  it("does not change the run, which has its own copy", async () => {
    const { recipePath, promptPath, store } = await withUnfinishedRun();
    writeFileSync(promptPath, promptText.replace("Q:", "Question:"));
    writeFileSync(recipePath, recipeText.replace("rounds: 2", "rounds: 7"));
    expect(store.runs.find("sums-1")!.recipe.rounds).toBe(2);
    expect(promptsFrom(store.runs.prompts("sums-1")).student.user).toBe("Q: {{task}}");
    store.close();
  });

  it.each([
    ["a setting", "recipe", "rounds"],
    ["the prompt", "prompt", "prompt student/mine"],
    ["the task file", "tasks", "a file that the recipe names"],
  ])("is refused with what was edited and the two ways on (%s)", async (_what, which, named) => {
    const { folder, recipePath, promptPath, store, run } = await withUnfinishedRun();
    if (which === "recipe") writeFileSync(recipePath, recipeText.replace("rounds: 2", "rounds: 7"));
    else if (which === "prompt") appendFileSync(promptPath, "Think.\n");
    else
      appendFileSync(
        join(folder, "sums.jsonl"),
        '{"prompt": "Calculate 1 + 1.", "reference": 2}\n',
      );
    const error = await run();
    expect(error).toBeInstanceOf(RedistillError);
    expect(error).toMatchObject({ kind: "state", exitCode: 7 });
    expect(error.message).toContain(
      `run sums-1 of an earlier version of recipe sums is unfinished`,
    );
    expect(error.message).toContain(`edited since: ${named}`);
    expect(error.hint).toContain("redistill resume sums-1");
    expect(error.hint).toContain("--new");
    expect(store.runs.all()).toHaveLength(1);
    expect((await run({ new: true })).message).not.toContain("earlier version");
    store.close();
  });

  it("is told when its run is resumed, which goes on with its own copy", async () => {
    const { promptPath, store, resume } = await withUnfinishedRun();
    expect((await resume()).notes).toEqual([]);
    appendFileSync(promptPath, "Think.\n");
    const { error, notes } = await resume();
    expect(error.message).toContain("went on to start the engine");
    expect(notes).toEqual([
      expect.stringMatching(/^Changed since run sums-1 began: prompt student\/mine\. .* own copy/),
    ]);
    rmSync(promptPath);
    expect((await resume()).notes).toHaveLength(1);
    store.close();
  });

  it("is a new run where the former one has finished, or nothing was edited", async () => {
    const { recipePath, store, run } = await withUnfinishedRun();
    expect((await run()).message).not.toContain("earlier version");
    writeFileSync(recipePath, recipeText.replace("rounds: 2", "rounds: 7"));
    store.transaction(() => store.runs.release("sums-1", "finished", null));
    expect((await run()).message).not.toContain("earlier version");
    store.close();
  });
});
