import { describe, expect, it } from "vitest";
import type { Example } from "../../src/core/entities.js";
import { divideTraining } from "../../src/core/validation.js";
import { elicit } from "../../src/stages/elicit.js";
import { stagesOf } from "../../src/stages/index.js";
import { validate } from "../../src/stages/validate.js";
import { adapterNamed, inputWith, portsWith, recipeWith, sum, sums } from "./support.js";

const recipe = recipeWith({ policy: { kind: "adaptive", validation: 3 } });
const example = (taskId: string): Example => ({
  ...{ id: `e-${taskId}`, taskId, source: "attempt", sourceId: "a", originRound: 1 },
  ...{ messages: [], completion: "" },
});
const { learnable, validation } = divideTraining(recipe, sums(10));

describe("validate", () => {
  const examples = learnable.slice(0, 5).map(({ id }) => example(id));
  const input = (changes = {}) =>
    inputWith({ recipe, candidate: adapterNamed("new"), rows: { examples, ...changes } });

  it("asks the candidate greedily about what it learned and as many tasks that it did not", async () => {
    const ports = portsWith(({ messages }) => {
      const unseen = validation.some(({ prompt }) => messages.at(-1)!.content.includes(prompt));
      return unseen ? "wrong 1" : answerTo(messages.at(-1)!.content);
    });
    const { rows, summary } = await validate(input(), ports);
    const of = (kind: string) => rows.validation!.filter((each) => each.kind === kind);
    expect(of("unseen").map(({ taskId }) => taskId)).toEqual(validation.map(({ id }) => id));
    expect(of("learned")).toHaveLength(3);
    expect(summary).toEqual({ learned: "3/3", unseen: "0/3" });
    expect(ports.asked.every(({ adapter }) => adapter === "new")).toBe(true);
    expect(ports.asked.every(({ request }) => request.sampling.temperature === 0)).toBe(true);
    expect(ports.questions()[0]).toMatch(/^Q: Calculate/);
  });

  it("takes other learned tasks in another round, and never rehearsed ones", async () => {
    const taken = async (round: number) => {
      const rehearsed = { ...example("replay-1"), source: "replay" as const };
      const all = { ...input({ examples: [...examples, rehearsed] }), round };
      const { rows } = await validate(all, portsWith());
      return rows.validation!.filter(({ kind }) => kind === "learned").map(({ taskId }) => taskId);
    };
    const several = await Promise.all([1, 2, 3, 4].map(taken));
    expect(new Set(several.map((ids) => ids.join())).size).toBeGreaterThan(1);
    expect(several.flat()).not.toContain("replay-1");
    expect(await taken(1)).toEqual(several[0]);
  });

  it("has nothing to ask without a candidate", async () => {
    const ports = portsWith();
    const { rows } = await validate({ ...input(), candidate: null }, ports);
    expect([rows, ports.asked]).toEqual([{}, []]);
  });

  it("is a stage of recipes with a policy alone", () => {
    const names = (changes: Record<string, unknown>) =>
      stagesOf(recipeWith(changes)).map(([name]) => name as string);
    expect(names({})).not.toContain("validate");
    expect(names({ policy: { kind: "adaptive" } })).toContain("validate");
    expect(names({ policy: { kind: "coach", validation: 0 } })).not.toContain("validate");
  });
});

describe("elicit under a policy", () => {
  it("takes the plan's tasks in their order", async () => {
    const plannedTasks = [learnable[4]!.id, learnable[0]!.id];
    const { rows } = await elicit(inputWith({ recipe, plannedTasks }));
    expect(rows.elicited).toEqual(plannedTasks);
  });

  it("never takes a validation task of itself", async () => {
    const { rows, summary } = await elicit(inputWith({ recipe }));
    expect([...rows.elicited!].sort()).toEqual(learnable.map(({ id }) => id).sort());
    expect(summary).toEqual({ tasks: 7, pool: 7 });
  });
});

function answerTo(text: string): string {
  return sums(10).find(({ prompt }) => text.includes(prompt))?.reference ?? sum(0).reference!;
}
