import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  promptsDiffCommand,
  promptsListCommand,
  promptsShowCommand,
} from "../../src/cli/commands/prompts.js";
import { promptsLintCommand } from "../../src/cli/commands/prompts-lint.js";
import { promptsNewCommand } from "../../src/cli/commands/prompts-new.js";
import { promptsRenderCommand } from "../../src/cli/commands/prompts-render.js";
import { migrationsDirectory, workspaceAt } from "../../src/cli/paths.js";
import { sha256 } from "../../src/core/hash.js";
import { recipeSchema } from "../../src/core/recipe.js";
import { Store } from "../../src/store/store.js";
import { usageError } from "../prompts/support.js";
import { recordingOutput, temporaryFolder } from "./support.js";

const mine = `---
name: mine
version: 1
variables: [task, answer]
source: own
---
{{task}} {{answer}} What is wrong?
`;

/** A workspace with these prompts of its own, by path. */
function workspaceWith(prompts: Record<string, string> = { "critique/mine": mine }) {
  const folder = temporaryFolder();
  const pathOf = (name: string) => join(folder, "prompts", `${name}.md`);
  for (const [name, body] of Object.entries(prompts)) {
    mkdirSync(join(pathOf(name), ".."), { recursive: true });
    writeFileSync(pathOf(name), body);
  }
  const output = recordingOutput();
  return { folder, pathOf, output, options: { workspace: workspaceAt(folder), output } };
}

afterEach(() => {
  process.exitCode = undefined;
});

describe("redistill prompts list and show", () => {
  it("name the workspace's own before the packaged one, and what cannot be read", () => {
    const own = mine.replace("name: mine", "name: checklist").replace("version: 1", "version: 9");
    const { output, options } = workspaceWith({ "critique/checklist": own, "refine/bad": "oh" });
    promptsListCommand(options);
    const row = (name: string) => output.lines.find((line) => line.startsWith(name));
    expect(row("critique/checklist")).toMatch(/9 +workspace +own/);
    expect(row("critique/tests")).toMatch(/1 +package +CodeT/);
    expect(row("refine/bad")).toMatch(/- +workspace .*front matter/);
    expect(output.lines.filter((line) => line.startsWith("critique/checklist"))).toHaveLength(1);
    expect(output.results[0]).toMatchObject({ kind: "prompts" });
    promptsShowCommand("critique/checklist", options);
    expect(output.lines.at(-1)).toBe(own.trimEnd());
    expect(output.results.at(-1)).toMatchObject({ version: "9", output: "text", parent: null });
  });

  it("refuse what there is not, with the nearest", () => {
    const { options } = workspaceWith();
    const error = usageError(() => promptsShowCommand("critique/cheklist", options));
    expect(error.hint).toContain("Did you mean checklist?");
  });
});

describe("redistill prompts diff", () => {
  it("shows what differs line by line, also of files, and says when nothing does", () => {
    const { output, options, pathOf } = workspaceWith({
      "critique/mine": mine,
      "critique/yours": mine.replace("What is wrong?", "Why?"),
    });
    promptsDiffCommand("critique/mine", pathOf("critique/yours"), options);
    expect(output.lines[0]).toContain(
      "-{{task}} {{answer}} What is wrong?\n+{{task}} {{answer}} Why?",
    );
    expect(output.lines[0]).toContain("--- critique/mine");
    promptsDiffCommand("critique/mine", "critique/mine", options);
    expect(output.lines[1]).toBe("critique/mine and critique/mine are the same.");
    expect(output.results.map((result) => (result as { same: boolean }).same)).toEqual([
      false,
      true,
    ]);
  });
});

describe("redistill prompts lint", () => {
  it("ends with 0 for the packaged prompts and a good one", () => {
    const { output, options } = workspaceWith();
    promptsLintCommand([], options);
    expect(output.lines).toEqual([expect.stringMatching(/^Nothing is wrong with 32 prompts/)]);
    expect(process.exitCode).toBeUndefined();
  });

  it("ends with 2 and each problem for the files that are named", () => {
    const { output, options, pathOf } = workspaceWith({
      "critique/mine": mine,
      "student/leak": mine.replace("mine", "leak"),
    });
    promptsLintCommand([pathOf("student/leak"), pathOf("critique/mine")], options);
    expect(output.lines).toEqual([
      `${pathOf("student/leak")}: it shows the student {{answer}}, which it will not have at test time`,
      "1 problem in 2 prompts.",
    ]);
    expect(process.exitCode).toBe(2);
    expect(output.results[0]).toMatchObject({ ok: false, files: 2 });
  });

  it("finds another text under the version of a packaged prompt, or of a run's", () => {
    const packaged = readFileSync("prompts/critique/checklist.md", "utf8");
    const own = { "critique/checklist": `${packaged}Be brief.\n`, "critique/mine": mine };
    const { output, options, pathOf } = workspaceWith(own);
    const store = Store.open(options.workspace.database, migrationsDirectory);
    const recipe = recipeSchema.parse({
      ...{ name: "sums", rounds: 1 },
      tasks: { source: "orders", train: 1, gate: 1 },
    });
    const prompt = {
      stage: "critique",
      name: "mine",
      version: "1",
      hash: sha256(mine),
      body: mine,
    };
    const identity = { recipeHash: "h", modelDigest: "d", modelPath: "m", modelSha256: "0" };
    const run = { id: "sums-1", folder: "runs/sums-1", recipe, ...identity, prompts: [prompt] };
    store.transaction(() => store.runs.create(run));
    store.close();
    promptsLintCommand([pathOf("critique/mine")], options);
    expect(process.exitCode).toBeUndefined();
    appendFileSync(pathOf("critique/mine"), "Be brief.\n");
    promptsLintCommand([], options);
    expect(output.lines.slice(1, -1).sort()).toEqual([
      `${pathOf("critique/checklist")}: it is version 1 but differs from the packaged prompt; raise its version`,
      `${pathOf("critique/mine")}: it is version 1 but differs from that of run sums-1; raise its version`,
    ]);
    expect(process.exitCode).toBe(2);
  });
});

describe("redistill prompts render", () => {
  it("fills in a sample task, and says how the answer is read", () => {
    const { output, options } = workspaceWith();
    promptsRenderCommand("critique/confidence-first", {}, options);
    expect(output.lines[0]).toMatch(/^\[user\]\nTask: Calculate 17 \+ 25\./);
    expect(output.lines[0]).not.toContain("{{");
    expect(output.notes[0]).toContain('"verdict"');
    promptsRenderCommand("critique/none", {}, options);
    expect(output.lines.at(-1)).toContain("asks no model");
  });

  it("renders every packaged prompt", () => {
    const { output, options } = workspaceWith({});
    promptsListCommand(options);
    const [{ prompts }] = output.results as [{ prompts: { stage: string; name: string }[] }];
    for (const { stage, name } of prompts) promptsRenderCommand(`${stage}/${name}`, {}, options);
    expect(output.results).toHaveLength(prompts.length + 1);
  });

  it("takes the values of a file, and refuses one without them", () => {
    const { folder, output, options } = workspaceWith();
    const vars = join(folder, "vars.json");
    const refused = (text: string) => {
      writeFileSync(vars, text);
      return usageError(() => promptsRenderCommand("critique/mine", { vars }, options));
    };
    writeFileSync(vars, '{"task": "1 + 1", "answer": 3}');
    promptsRenderCommand("critique/mine", { vars }, options);
    expect(output.lines[0]).toBe("[user]\n1 + 1 3 What is wrong?");
    expect(refused('{"task": "1 + 1", "anser": "3"}').hint).toContain("Is anser meant for answer?");
    expect(refused("{").message).toContain("is no JSON");
    expect(refused('{"task": ["1"]}').message).toContain("task is neither text nor a number");
    expect(refused("[]").message).toContain("it is no object");
  });
});

describe("redistill prompts new", () => {
  it("writes a file that lint has nothing against, and replaces none", () => {
    const { output, options, pathOf } = workspaceWith({});
    promptsNewCommand("critique/fresh", {}, options);
    promptsLintCommand([pathOf("critique/fresh")], options);
    expect(output.lines.at(-1)).toBe("Nothing is wrong with 1 prompt.");
    const again = usageError(() => promptsNewCommand("critique/fresh", {}, options));
    expect(again.message).toContain("exists already");
    expect(usageError(() => promptsNewCommand("critic/fresh", {}, options)).hint).toContain(
      "critique",
    );
    expect(existsSync(pathOf("critic/fresh"))).toBe(false);
  });

  it("copies a parent, and says whose copy it is", () => {
    const { options, pathOf } = workspaceWith({});
    promptsNewCommand("critique/stern", { from: "adversarial" }, options);
    const body = readFileSync(pathOf("critique/stern"), "utf8");
    expect(body).toContain("name: stern");
    expect(body).toContain("parent: adversarial");
    const other = usageError(() =>
      promptsNewCommand("critique/other", { from: "refine/rewrite" }, options),
    );
    expect(other.message).toContain("made from another critique prompt");
  });
});
