import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { describe, expect, it } from "vitest";
import { retentionSuites } from "../../src/core/retention.js";
import { loadRecipe, parseRecipe } from "../../src/recipes/load.js";

const whole = `name: small
rounds: 2
tasks:
  source: jsonl
  path: tasks.jsonl
  train: 10
  gate: 10
`;

const problem = (text: string) => {
  try {
    parseRecipe(text, "r.yaml");
  } catch (error) {
    return error as { kind: string; message: string; hint: string };
  }
  throw new Error("no error");
};

describe("a recipe", () => {
  it("has a default for everything but its name, rounds and tasks", () => {
    const recipe = parseRecipe(whole, "r.yaml");
    expect(recipe.generate.attempts).toBe(8);
    expect(recipe.critique).toBeNull();
    expect(recipe.tasks.sealed).toBe(0);
  });

  it("with an unknown key is refused with the line and the nearest key", () => {
    const { message, hint, kind } = problem(`${whole}retrain:\n  epoch: 3\n`);
    expect(kind).toBe("usage");
    expect(message).toBe("r.yaml, line 9: unknown key retrain.epoch");
    expect(hint).toContain("Did you mean retrain.epochs?");
  });

  it("with an unknown key at the top is refused likewise", () => {
    const { message, hint } = problem(`${whole}critic:\n  prompt: x\n`);
    expect(message).toBe("r.yaml, line 8: unknown key critic");
    expect(hint).toContain("critique");
  });

  it("with an unknown key in a choice is refused likewise", () => {
    const { message, hint } = problem(whole.replace("  gate: 10", "  gates: 10\n  gate: 10"));
    expect(message).toBe("r.yaml, line 7: unknown key tasks.gates");
    expect(hint).toContain("Did you mean tasks.gate?");
  });

  it("with an unknown lever is refused with those that there are", () => {
    const limits = "limits: {retrain.epoch: {least: 1, most: 2}}";
    const { message, hint } = problem(`${whole}policy: {kind: adaptive, ${limits}}\n`);
    expect(message).toContain("unknown key policy.limits.retrain.epoch");
    expect(hint).toContain("Did you mean policy.limits.retrain.epochs?");
    expect(hint).toContain("curate.replay.ratio");
  });

  describe("with retention suites", () => {
    const suites = (...each: string[]) =>
      `${whole}retention:\n  margin: 0.2\n  suites:\n${each.map((one) => `    - ${one}\n`).join("")}`;

    it("has each with its name and margin, or one by its path as ever", () => {
      const text = suites(
        "{name: facts, path: f.jsonl}",
        "{name: code-2, path: c.jsonl, margin: 0}",
      );
      const { retention } = parseRecipe(text, "r.yaml");
      expect(retentionSuites(retention)).toEqual([
        { name: "facts", path: "f.jsonl", margin: 0.2 },
        { name: "code-2", path: "c.jsonl", margin: 0 },
      ]);
      const one = parseRecipe(`${whole}retention: {path: f.jsonl}\n`, "r.yaml").retention;
      expect(one).toEqual({ path: "f.jsonl", maxTokens: 32, margin: 0.1 });
      expect(Object.keys(one!)).not.toContain("suites");
      expect(retentionSuites(one)).toEqual([{ name: null, path: "f.jsonl", margin: 0.1 }]);
      expect(retentionSuites(null)).toEqual([]);
    });

    it("takes their paths from the recipe's folder", () => {
      const folder = mkdtempSync(join(tmpdir(), "redistill-"));
      const path = join(folder, "r.yaml");
      writeFileSync(path, suites("{name: facts, path: f.jsonl}", "{name: code, path: /c.jsonl}"));
      const paths = retentionSuites(loadRecipe(path).retention).map((suite) => suite.path);
      expect(paths).toEqual([join(folder, "f.jsonl"), "/c.jsonl"]);
    });

    it.each([
      [
        suites("{name: a, path: x}", "{name: a, path: y}"),
        "line 12: retention.suites.1.name: two suites are called a",
      ],
      [suites("{name: '', path: x}"), "line 11: retention.suites.0.name: a suite's name has a-z"],
      [
        suites("{name: '../x', path: x}"),
        "line 11: retention.suites.0.name: a suite's name has a-z",
      ],
      [suites("{name: gate, path: x}"), "is no word for other tasks"],
      [suites("{name: a, path: x, margin: 2}"), "line 11: retention.suites.0.margin: "],
      [`${whole}retention: {suites: []}\n`, "line 8: retention.suites: name one suite at least"],
      [
        `${whole}retention: {margin: 0.1}\n`,
        "line 8: retention.path: name a task file here, or several",
      ],
      [
        `${whole}retention: {path: x, suites: [{name: a, path: y}]}\n`,
        "line 8: retention.suites: give one suite",
      ],
    ])("refuses what cannot be told apart or is not there (%#)", (text, message) => {
      const found = problem(text);
      expect(found.kind).toBe("usage");
      expect(found.message).toContain(message);
    });

    it("names the nearest key of a suite", () => {
      const { message, hint } = problem(suites("{name: a, file: x, path: y}"));
      expect(message).toBe("r.yaml, line 11: unknown key retention.suites.0.file");
      expect(hint).toContain("name, path, margin");
    });
  });

  it("with a value of another type is refused with the line", () => {
    const { message } = problem(whole.replace("rounds: 2", "rounds: two"));
    expect(message).toMatch(/^r\.yaml, line 2: rounds: .*expected number/);
  });

  it("without a key that is needed names it", () => {
    expect(problem(whole.replace("  gate: 10\n", "")).message).toMatch(/line \d: tasks\.gate:/);
  });

  it("that is no YAML, or no map, is refused with the line", () => {
    expect(problem("name: [small\nrounds: 2\n").message).toMatch(/^r\.yaml, line \d: not YAML/);
    expect(problem("- a\n- b\n").kind).toBe("usage");
    expect(problem("").kind).toBe("usage");
  });

  it("that gives its training method nothing to learn from is refused", () => {
    const refused = (retrain: string, rest = "") =>
      expect(() => parseRecipe(`${whole}retrain: ${retrain}\n${rest}`, "r.yaml"));
    refused("{method: sdft}").toThrow(/retrain.view: attempts see no more than the student/);
    refused("{method: gkd, view: revision}").toThrow(/nothing is revised/);
    refused("{method: grpo}", "teacher: {labels: majority}").toThrow(/does without/);
    refused("{method: dqo}").toThrow(/retrain.method/);
    refused("{method: orpo, sftWeight: 1}").toThrow(/unknown key retrain.sftWeight/);
  });

  it("whose settings contradict each other is refused with both", () => {
    const { message } = problem(`${whole}teacher:\n  labels: majority\n  hint: true\n`);
    expect(message).toBe(
      "r.yaml, line 10: teacher.hint: a hint shows the reference, which labels: majority does without",
    );
  });

  it("has its paths made absolute from its own folder", () => {
    const folder = mkdtempSync(join(tmpdir(), "redistill-"));
    writeFileSync(join(folder, "r.yaml"), whole);
    const recipe = loadRecipe(join(folder, "r.yaml"));
    if (recipe.tasks.source !== "jsonl") throw new Error("another source");
    expect(isAbsolute(recipe.tasks.path)).toBe(true);
    expect(recipe.tasks.path).toBe(join(folder, "tasks.jsonl"));
  });

  it("that does not exist is a usage error", () => {
    expect(() => loadRecipe("nowhere.yaml")).toThrow("no recipe at nowhere.yaml");
  });
});
