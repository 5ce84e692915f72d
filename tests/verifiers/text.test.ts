import { describe, expect, it } from "vitest";
import { checkContains } from "../../src/verifiers/contains.js";
import { checkExact } from "../../src/verifiers/exact.js";
import { checkJson } from "../../src/verifiers/json.js";

describe("exact", () => {
  it.each([
    ["Paris", "Paris", "ok"],
    ["  Paris.\n", "Paris", "ok"],
    ["Paris", "Paris.", "ok"],
    ["Paris..", "Paris", "wrong"],
    ["Wait...", "Wait", "wrong"],
    ["New\t\n York", "New York", "ok"],
    ["Cafe\u0301", "Café", "ok"],
    ["paris", "Paris", "wrong"],
    ["Paris!", "Paris", "wrong"],
    [".", "Paris", "ungradable"],
    ["Paris", " ", "ungradable"],
    ["Paris", null, "ungradable"],
  ] as const)("%j against %j is %s", (answer, reference, outcome) => {
    expect(checkExact(answer, reference).outcome).toBe(outcome);
  });

  it("ignores case where the task says so", () => {
    expect(checkExact("ÉCOLE", "école", true).outcome).toBe("ok");
  });
});

describe("contains", () => {
  it.each([
    ["The capital is Paris.", "Paris", "ok"],
    ["PARIS!", "Paris | City of Light", "ok"],
    ["It is the city\nof light", "Paris | City of Light", "ok"],
    ["Paris's streets", "Paris", "ok"],
    ["Parisian", "Paris", "wrong"],
    ["comparison", "paris", "wrong"],
    ["naïve", "na", "wrong"],
    ["écoles", "cole", "wrong"],
    ["Кот спит", "кот", "ok"],
    ["Которых", "кот", "wrong"],
    ["答えは東京です", "東京", "ok"],
    ["It is 2.5", "5", "wrong"],
    ["It has 5.", "5", "ok"],
    ["C++ is one", "c++", "ok"],
    ["London", "Paris", "wrong"],
    // guessing
    ["It is Paris or London.", "Paris", "ungradable"],
    ["London, Paris, or Rome", "Paris", "ungradable"],
    ["Paris/London", "Paris", "ungradable"],
    ["London, Paris, Rome, Berlin", "Paris", "ungradable"],
    ["- London\n- Paris\n- Rome\n- Berlin", "Paris", "ungradable"],
    ["1. London\n2. Paris\n3. Rome\n4. Berlin", "Paris", "ungradable"],
    // not guessing
    ["Paris or London? It is Paris.", "Paris", "ok"],
    ["In autumn or fall.", "autumn | fall", "ok"],
    ["Mercury, Venus, Mars or Jupiter", "Mercury | Venus | Mars | Jupiter", "ok"],
    ["The colours are red, blue, and yellow.", "blue", "ok"],
    ["Water boils at 100 degrees or 212 F.", "100", "ok"],
    ["Paris, the capital of France, is a city.", "Paris", "ok"],
    ["Paris", null, "ungradable"],
    ["Paris", " | ", "ungradable"],
  ] as const)("%j against %j is %s", (answer, reference, outcome) => {
    expect(checkContains(answer, reference).outcome).toBe(outcome);
  });
});

describe("json", () => {
  const reference = '{"name": "Ann", "age": 31, "tags": ["a", "b"], "home": {"city": "Rome"}}';

  it.each([
    ['{"age":31,"home":{"city":"Rome "},"tags":["a","b"],"name":" Ann"}', "ok"],
    [
      'Sure!\n```json\n{"name":"Ann","age":31.0,"tags":["a","b"],"home":{"city":"Rome"}}\n```',
      "ok",
    ],
    ['In {braces}: {"name":"Ann","age":31,"tags":["a","b"],"home":{"city":"Rome"}} {}', "ok"],
    ['{"name":"Ann","age":"31","tags":["a","b"],"home":{"city":"Rome"}}', "wrong"],
    ['{"name":"Ann","age":31,"tags":["b","a"],"home":{"city":"Rome"}}', "wrong"],
    ['{"a":"}"}', "wrong"],
    ["{}", "wrong"],
    ["[1]", "ungradable"],
    ['{"name": "Ann", "age": 31', "ungradable"],
    ["{name: 'Ann'}", "ungradable"],
    ["no", "ungradable"],
    ["{".repeat(20_000), "ungradable"],
    [`${'{"a":'.repeat(3000)}1${"}".repeat(3000)}`, "wrong"],
  ] as const)("%.80j is %s", (answer, outcome) => {
    expect(checkJson(answer, reference).outcome).toBe(outcome);
  });

  it("names keys, not values, and gives credit for those that are right", () => {
    const check = checkJson('{"name":"Bob","home":{"street":1},"x":1,"age":31}', reference);
    expect(check.finding).toBe(
      'Missing keys: "tags", "home.city". Unexpected keys: "home.street", "x". Keys with a wrong value: "name".',
    );
    expect(check.score).toBeCloseTo(1 / 6);
  });

  it("bounds what it repeats of an answer", () => {
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) => [`${"k".repeat(99)}${i}`, 1]),
    );
    expect(checkJson(JSON.stringify(many), reference).finding.length).toBeLessThan(1000);
  });

  it("is not fooled by inherited keys", () => {
    expect(checkJson("{}", '{"constructor": 1, "__proto__": 2}').finding).toContain("Missing");
    expect(checkJson('{"__proto__": {"a": 1}}', '{"a": 1}').outcome).toBe("wrong");
  });

  it("blames the task for a reference that is not JSON", () => {
    expect(checkJson("{}", "[]").finding).toContain("reference is not a JSON object");
    expect(checkJson("{}", null).outcome).toBe("ungradable");
  });
});
