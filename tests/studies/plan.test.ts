import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { armsOf } from "../../src/studies/design.js";
import { attemptsAtEqualCompute } from "../../src/studies/equal-compute.js";
import { loadStudy, recipeOf } from "../../src/studies/load.js";
import { detectable, plannedCalls, plannedStudy } from "../../src/studies/plan.js";

function study(text: string, recipe = "") {
  const folder = mkdtempSync(join(tmpdir(), "redistill-study-"));
  const base = `name: base
rounds: 1
tasks: {source: orders, train: 40, gate: 60, sealed: 20}
elicit: {tasksPerRound: 20}
generate: {attempts: 4}
critique: {prompt: locate-error}
refine: {prompt: rewrite, tries: 2}
`;
  writeFileSync(join(folder, "recipe.yaml"), base + recipe);
  writeFileSync(join(folder, "study.yaml"), `name: s\nrecipe: recipe.yaml\n${text}`);
  return join(folder, "study.yaml");
}

const factors = "factors: {critique.prompt: [locate-error, name-the-error]}\n";

describe("a study's file", () => {
  it("makes a recipe for each arm and seed", () => {
    const { spec, recipe } = loadStudy(
      study(`${factors}settings: {refine.tries: 3}\ntaskSeed: 9\n`),
    );
    const own = recipeOf(spec, recipe, armsOf(spec)[1]!, 5);
    expect(own).toMatchObject({
      name: "s-a2-s5",
      seed: 5,
      tasks: { seed: 9 },
      critique: { prompt: "name-the-error" },
      refine: { prompt: "rewrite", tries: 3 },
    });
  });

  it("takes paths in its settings from its own folder, and the recipe's from the recipe's", () => {
    const path = study(`${factors}settings: {curate.replay: {path: mine.jsonl}}\n`);
    const { recipe } = loadStudy(path);
    expect(recipe.curate.replay?.path).toBe(join(dirname(path), "mine.jsonl"));
  });

  it.each([
    ["factor: {a: [1, 2]}", "unknown key factor", "Did you mean factors?"],
    ["factors: {critique.prompt: [one]}", "factors.critique.prompt", ""],
    [`${factors}seeds: [1, 1]`, "a seed is there twice", ""],
    [`${factors}settings: {refine.trys: 3}`, "a recipe has no key refine.trys", "refine.tries"],
    ["factors: {refine.tries: [1, none]}", "arm a2 (none): refine.tries", ""],
    [
      `${factors}settings: {gate.test: sequential}`,
      "arm a1 (locate-error): a study compares",
      "exact",
    ],
    [
      `${factors}settings: {longTerm: {}}`,
      "arm a1 (locate-error): with longTerm.write arms that run later",
      "longTerm.write",
    ],
    [": :", "not YAML", ""],
  ])("refuses %s", (text, what, hint) => {
    const load = () => {
      const { spec, recipe } = loadStudy(study(text));
      for (const arm of armsOf(spec)) recipeOf(spec, recipe, arm, 1);
    };
    expect(load).toThrow(what);
    expect(load).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) }));
  });

  it("refuses settings that contradict", () => {
    const { spec, recipe } = loadStudy(study("factors: {refine: [null, {prompt: rewrite}]}"));
    expect(() => recipeOf(spec, recipe, armsOf(spec)[0]!, 1)).toThrow(
      "arm a1 (null): critique: a critique is used by refine",
    );
  });
});

describe("planned calls", () => {
  const { spec, recipe } = loadStudy(study(factors));
  const calls = plannedCalls(recipe, 10);

  it("are at most what a run asks", () => {
    expect(calls).toEqual({
      drafts: 80,
      reworked: 20 + 40,
      examined: 0,
      base: 90,
      candidate: 90,
      rehearsal: 0,
    });
  });

  it("count an examination", () => {
    const examined = { ...recipe, examine: { right: 5, wrong: 4, planted: 3 } };
    expect(plannedCalls(examined, 10).examined).toBe(2 * 12);
    expect(plannedCalls({ ...examined, critique: null }, 10).examined).toBe(12);
  });

  it("count shared ones once", () => {
    const run = (drafts: string) => ({ calls, rounds: 1, drafts, base: "b" });
    expect(plannedStudy([run("1"), run("1"), run("2")])).toEqual({
      alone: 3 * (80 + 60 + 90 + 90),
      shared: 2 * 80 + 3 * (60 + 90) + 90,
    });
  });

  it("say what can be found: less with more tasks, less sure with more comparisons", () => {
    const arms = armsOf(spec);
    expect(detectable(spec, arms, 400)).toBeLessThan(detectable(spec, arms, 100));
    expect(detectable(spec, [...arms, ...arms], 100)).toBeGreaterThan(detectable(spec, arms, 100));
  });
});

describe("equal compute", () => {
  it("turns the tokens of critiques and revisions into attempts: the median treatment's", () => {
    const run = (critique: number, refine: number) => ({
      attempts: 4,
      tokens: { generate: 1000, critique, refine, evaluate: 9999 },
    });
    expect(attemptsAtEqualCompute([run(250, 250), run(0, 0), run(900, 850)]).attempts).toBe(6);
  });

  it("is refused where no treatment has attempts", () => {
    expect(() => attemptsAtEqualCompute([])).toThrow("nothing says what equal compute is");
  });
});
