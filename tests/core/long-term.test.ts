import { describe, expect, it } from "vitest";
import { familyOf } from "../../src/core/long-term.js";
import { contradictions, recipeSchema } from "../../src/core/recipe.js";

const orders = { source: "orders", train: 10, gate: 10 };
const recipeWith = (changes: object) =>
  recipeSchema.parse({ name: "small", rounds: 1, tasks: orders, ...changes });

describe("a recipe's family", () => {
  it("is the one that it names, else its source of tasks", () => {
    const gym = { ...orders, source: "reasoning_gym", dataset: "chain_sum" };
    const file = { ...orders, source: "jsonl", path: "/data/My Sums.v2.jsonl" };
    expect(familyOf(recipeWith({}))).toBe("orders");
    expect(familyOf(recipeWith({ tasks: gym }))).toBe("reasoning_gym:chain_sum");
    expect(familyOf(recipeWith({ tasks: file }))).toBe("jsonl:my-sums.v2");
    expect(familyOf(recipeWith({ longTerm: { family: "mail" } }))).toBe("mail");
  });
});

describe("the long-term memory of a recipe", () => {
  it("is off by default, and refused where it would do nothing", () => {
    expect(recipeWith({}).longTerm).toBeNull();
    const none = recipeWith({ longTerm: { read: false, write: false } });
    expect(contradictions(none)).toMatchObject([{ path: ["longTerm"] }]);
    expect(contradictions(recipeWith({ longTerm: { write: false } }))).toEqual([]);
  });

  it("is searched by vectors only where something makes them, and nothing makes them for nobody", () => {
    const embedder = { provider: "ollama", name: "minilm" };
    const model = { provider: "openai", name: "x" };
    const found = (longTerm: object, changes: object = {}) =>
      contradictions(recipeWith({ longTerm, retrain: { method: "memory" }, ...changes }))
        .filter(({ path }) => path[0] === "longTerm")
        .map(({ path }) => path[1]);
    expect(found({ retrieval: "embedding" })).toEqual([]);
    expect(found({ retrieval: "embedding" }, { model })).toEqual(["retrieval"]);
    expect(found({ retrieval: "embedding", embedder }, { model })).toEqual([]);
    expect(found({ embedder })).toEqual(["embedder"]);
  });
});
