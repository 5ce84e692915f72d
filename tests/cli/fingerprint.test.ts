import { describe, expect, it } from "vitest";
import { fingerprint } from "../../src/cli/fingerprint.js";
import { type Recipe, recipeSchema } from "../../src/core/recipe.js";

const recipeWith = (changes: object) =>
  recipeSchema.parse({
    name: "small",
    rounds: 2,
    tasks: { source: "orders", train: 10, gate: 10 },
    ...changes,
  });

const withRetrain = (retrain: object) => recipeWith({ retrain });

describe("a recipe's fingerprint", () => {
  it("changes with a setting, but not with those who hear of the run", async () => {
    const notify = [{ kind: "webhook", url: "https://example.org/hook" }];
    const plain = await fingerprint(recipeWith({}), []);
    expect(await fingerprint(recipeWith({ notify }), [])).toBe(plain);
    const trainer = { executor: "ray", sharedFolder: "/mnt/shared" };
    expect(await fingerprint(recipeWith({ trainer }), [])).toBe(plain);
    expect(await fingerprint(recipeWith({ seed: 2 }), [])).not.toBe(plain);
  });

  it("is what it was when there was one embedded model, so that runs from then go on", async () => {
    // Computed by the version before models had providers and roles. A new setting must leave these.
    const then = {
      "": "b430ad43feb7e2ef9e8978002706339c441cdb2de123abc8029d6aa102f1737a",
      dpo: "a2ed285e220e31ccb205de3e8d4ba53db7dce7726623f1e67df14bd5d1bf7ddd",
      grpo: "d42fc7dc9c570d3fde4a9e745a57c8236e084f6c21225feb63c1b9e85726c36c",
    };
    for (const [method, hash] of Object.entries(then)) {
      const recipe = method === "" ? recipeWith({}) : withRetrain({ method });
      expect(await fingerprint(recipe, [])).toBe(hash);
    }
  });

  it("is what it was without trials and margins of cost, and changes with them", async () => {
    const of = (policy: object, trial?: string) => {
      const tasks = { source: "orders", train: 30, gate: 2 };
      const critique = { prompt: "checklist", ...(trial ? { trial } : {}) };
      const recipe = { name: "f", rounds: 1, tasks, critique, refine: { prompt: "rewrite" } };
      return fingerprint(recipeSchema.parse({ ...recipe, policy }), []);
    };
    // Computed by the version that had neither.
    const then = {
      fixed: "3882573d3a7116f4ecc9915bd6175c6db1ff9ee40f86469d9f8b6488ca4c34a1",
      adaptive: "fc4b1497395eaebec3a0773de0d772a78632703b0d442c5c095e27f032dd8c50",
      coach: "25bce49b8fdb61d2968b4b31d4cc13bd85e1c4e5ca71ec4a343ed3c409f51080",
    };
    for (const [kind, hash] of Object.entries(then)) {
      expect([kind, await of({ kind })]).toEqual([kind, hash]);
      expect(await of({ kind }, "none")).not.toBe(hash);
    }
    const more = await of({ kind: "adaptive", margins: { cost: 0.5 } });
    expect(more).not.toBe(then.adaptive);
  });

  it("is what it was with one retention suite, and changes with names, margins and files of several", async () => {
    const of = (retention: object) => fingerprint(recipeWith({ retention }), []);
    const path = "tests/e2e/retention.jsonl";
    // Computed by the version that had no other form.
    const then = "23ef5363a22461af22e4ae7ee61fcb5b23cd94279a0ab51a8f9a153890a84b68";
    expect(await of({ path, margin: 0.2 })).toBe(then);
    const one = { name: "facts", path };
    const hashes = [then, await of({ margin: 0.2, suites: [one] })];
    hashes.push(await of({ margin: 0.2, suites: [{ ...one, name: "capitals" }] }));
    hashes.push(await of({ margin: 0.2, suites: [{ ...one, margin: 0.3 }] }));
    hashes.push(await of({ margin: 0.2, suites: [{ ...one, path: "runs/suites/replay.jsonl" }] }));
    expect(new Set(hashes).size).toBe(5);
  });

  it("changes with a sequential gate and its settings, but not with the exact one's own names", async () => {
    const plain = await fingerprint(recipeWith({}), []);
    const of = (gate: object) => fingerprint(recipeWith({ gate }), []);
    expect(await of({ test: "exact", attempts: 1 })).toBe(plain);
    const hashes = [plain, await of({ test: "sequential" })];
    hashes.push(await of({ test: "sequential", attempts: 4 }));
    hashes.push(await of({ test: "sequential", attempts: 4, temperature: 1 }));
    expect(new Set(hashes).size).toBe(4);
  });

  it("changes with lessons that are found by vectors, and is what it was with those found by words", async () => {
    const of = (longTerm: object) => fingerprint(recipeWith({ longTerm }), []);
    // Computed by the version that had no other way.
    const then = "e9513a983be8c8503667303196d6c60e7ea823717b4dffa38b7cb0ad82a7b463";
    expect(await of({})).toBe(then);
    expect(await of({ retrieval: "text" })).toBe(then);
    const embedder = { provider: "ollama", name: "minilm" };
    const hashes = [then, await of({ retrieval: "embedding" })];
    hashes.push(await of({ retrieval: "embedding", embedder }));
    expect(new Set(hashes).size).toBe(3);
  });

  it("changes with a policy that plans, but not with the fixed one's name", async () => {
    const plain = await fingerprint(recipeWith({}), []);
    const of = (policy: object) => fingerprint(recipeWith({ policy }), []);
    expect(await of({ kind: "fixed" })).toBe(plain);
    const hashes = [plain, await of({ kind: "adaptive" }), await of({ kind: "coach" })];
    hashes.push(await of({ kind: "adaptive", validation: 2 }));
    expect(new Set(hashes).size).toBe(4);
  });

  it("changes with a model and with a role of its own", async () => {
    const plain = await fingerprint(recipeWith({}), []);
    const served = { provider: "openai", name: "m" };
    const others = [
      { model: served },
      { roles: { critic: served } },
      { roles: { teacher: served } },
    ];
    const hashes = await Promise.all(others.map((other) => fingerprint(recipeWith(other), [])));
    expect(new Set([plain, ...hashes]).size).toBe(4);
  });

  it("changes with a long-term memory and its settings", async () => {
    const of = (longTerm: object | null) => fingerprint(recipeWith({ longTerm }), []);
    expect(await of(null)).toBe(await fingerprint(recipeWith({}), []));
    expect(new Set([await of(null), await of({}), await of({ write: false })]).size).toBe(3);
  });

  it("is what it was before there were training methods, for a recipe that names none", async () => {
    const { method: _method, ...all } = withRetrain({ epochs: 2 }).retrain;
    const { weighting: _weighting, ...retrain } = { weighting: null, ...all };
    const former = { ...withRetrain({}), retrain } as unknown as Recipe;
    const now = await fingerprint(withRetrain({ epochs: 2 }), []);
    expect(now).toBe(await fingerprint(former, []));
    for (const other of [{ epochs: 3 }, { epochs: 2, weighting: "hardness" }, { method: "dpo" }]) {
      expect(await fingerprint(withRetrain(other), [])).not.toBe(now);
    }
  });
});
