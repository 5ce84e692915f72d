import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { databaseIn, runProgram, sumsFolder } from "../support/program.js";

const line = (text: string, changes: object = {}) =>
  JSON.stringify({
    schema: "redistill-lesson",
    version: 1,
    family: "sums",
    texts: [text],
    ...changes,
  });

const rules = ["Carry the tens into the next column.", "Write the number and nothing else."];

/** A folder with these lines imported, and its lessons as `list --json` tells them. */
function workspaceWith(lines: readonly string[], more = "") {
  const folder = sumsFolder(more);
  const path = join(folder, "lessons.jsonl");
  writeFileSync(path, `${lines.join("\n")}\n`);
  const run = (...args: string[]) => runProgram(folder, args);
  const memory = (...args: string[]) => run("memory", ...args);
  const list = (...flags: string[]) => {
    const { stdout } = run("--json", "memory", "list", ...flags);
    return JSON.parse(stdout).lessons as Record<string, unknown>[];
  };
  return { folder, path, run, memory, list };
}

describe("redistill memory", () => {
  it("imports lessons, lists and shows them, and exports what it would import", () => {
    const { folder, memory, list } = workspaceWith(rules.map((text) => line(text)));
    expect(memory("import", "lessons.jsonl")).toMatchObject({
      ...{ status: 0, stdout: "2 lessons imported.\n" },
    });
    expect(memory("import", "lessons.jsonl").stdout).toContain(
      "0 lessons imported, 2 known already",
    );
    const [first] = list("--family", "sums");
    expect(first).toMatchObject({
      family: "sums",
      state: "active",
      confidence: 0.5,
      source: "import",
    });
    const shown = memory("show", String(first!.id).slice(0, 16));
    expect(shown.stdout).toContain(String(first!.text));
    expect(shown.stdout).toContain("imported, by hand");
    expect(memory("export", "copy.jsonl").status).toBe(0);
    expect(memory("export", "copy.jsonl")).toMatchObject({ status: 2 });
    const exported = readFileSync(join(folder, "copy.jsonl"), "utf8");
    const other = workspaceWith(exported.trimEnd().split("\n"));
    expect(other.memory("import", "lessons.jsonl").stdout).toBe("2 lessons imported.\n");
    expect(other.list()).toEqual(list());
  });

  it("imports all lines or none, and says which one is wrong", () => {
    const bad = [line(rules[0]!), line("one\ntwo"), line(rules[1]!)];
    const { memory, folder } = workspaceWith(bad);
    const { status, stderr } = memory("import", "lessons.jsonl");
    expect(status).toBe(2);
    expect(stderr).toContain("lessons.jsonl, line 2: texts.0: no lesson: it is not one line");
    expect(stderr).toContain("Nothing was imported.");
    expect(memory("import", "nowhere.jsonl")).toMatchObject({ status: 2 });
    expect(() => readFileSync(databaseIn(folder))).toThrow();
  });

  it("edits with a history, forgets for good, and says what is lost", () => {
    const { memory, list } = workspaceWith([line(rules[0]!, { tasks: ["Calculate 1 + 2."] })]);
    memory("import", "lessons.jsonl");
    const id = String(list()[0]!.id);
    const words = "Carry the tens, and count them in the next column.";
    expect(memory("edit", id, words).stdout).toContain("is at version 2 now");
    expect(memory("show", id).stdout).toContain(`Version 1: ${rules[0]}`);
    expect(memory("edit", id, "one\ntwo")).toMatchObject({ status: 2 });
    const forgotten = memory("forget", id);
    expect(forgotten.status).toBe(0);
    expect(forgotten.stdout).toContain("Lost to later runs");
    expect(list()).toEqual([]);
    expect(list("--all")).toMatchObject([{ id, state: "forgotten" }]);
    for (const again of [memory("forget", id), memory("edit", id, "Other words.")]) {
      expect(again.status).toBe(7);
    }
    expect(memory("import", "lessons.jsonl").stdout).toContain("0 lessons imported, 1 known");
  });

  it("names what is nearest to an id or a family that is not there", () => {
    const { memory, list } = workspaceWith(rules.map((text) => line(text)));
    expect(memory("list")).toMatchObject({ status: 2 });
    memory("import", "lessons.jsonl");
    const id = String(list()[0]!.id);
    const mistyped = `${id.slice(0, -1)}x`;
    expect(memory("show", mistyped)).toMatchObject({ status: 2 });
    expect(memory("show", mistyped).stderr).toContain(`is ${id} meant?`);
    expect(memory("forget", "memory_").stderr).toContain("2 lessons begin with memory_");
    expect(memory("list", "--family", "sum").stderr).toContain("is sums meant?");
  });

  it("is read by a run of the family, whose report says what came of it", () => {
    const { run, memory } = workspaceWith([line(rules[0]!)], "longTerm: {family: sums}\n");
    memory("import", "lessons.jsonl");
    expect(run("run", "recipe.yaml").status).toBe(0);
    const report = run("report", "--markdown");
    expect(report.stdout).toContain(`Told: \`${rules[0]}\``);
    expect(run("verify").status).toBe(0);
  });

  it("does not import what a run of the family measures by", () => {
    const { run, memory, folder } = workspaceWith([], "longTerm: {family: sums}\n");
    expect(run("run", "recipe.yaml").status).toBe(0);
    const tasks = readFileSync(join(folder, "sums.jsonl"), "utf8").trimEnd().split("\n");
    const prompts = tasks.map((task) => JSON.parse(task).prompt as string);
    writeFileSync(join(folder, "lessons.jsonl"), prompts.map((text) => `${line(text)}\n`).join(""));
    const { status, stderr } = memory("import", "lessons.jsonl");
    expect(status).toBe(2);
    expect(stderr).toMatch(/resembles held-out task .* of run sums-1/);
  });
});
