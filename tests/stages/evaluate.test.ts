import { describe, expect, it } from "vitest";
import type { SuiteAnswers } from "../../src/core/round.js";
import { answerSuite, evaluate } from "../../src/stages/evaluate.js";
import {
  adapterNamed,
  evaluationsOf,
  inputWith,
  portsWith,
  recipeWith,
  sum,
  sums,
} from "./support.js";

const [gate, retention] = [sums(3, "gate"), sums(2, "retention")];
const [incumbent, candidate] = [adapterNamed("inc"), adapterNamed("cand")];
const recipe = recipeWith({
  student: { maxTokens: 21 },
  retention: { path: "unread.jsonl", maxTokens: 13 },
});
const input = (changes: Parameters<typeof inputWith>[0] = {}) =>
  inputWith({ recipe, incumbent, candidate, tasks: { gate, retention }, ...changes });
const keys = (answers: readonly SuiteAnswers[]) =>
  answers.map(({ suite, adapter, items }) => `${suite} ${adapter} ${items.length}`);
const known = (suite: "gate" | "retention", adapter: string | null): SuiteAnswers => ({
  suite,
  adapter,
  items: evaluationsOf(suite === "gate" ? gate : retention, () => true),
});

describe("evaluate", () => {
  it("has incumbent and candidate answer both suites, and asks both the same", async () => {
    const ports = portsWith();
    const { rows } = await evaluate(input(), ports);
    expect(keys(rows.evaluations!).toSorted()).toEqual([
      ...["gate cand 3", "gate inc 3", "retention cand 2", "retention inc 2"],
    ]);
    const of = (name: string) =>
      ports.asked.filter(({ adapter }) => adapter === name).map(({ request }) => request);
    expect(of("inc")).toHaveLength(5);
    expect(of("cand")).toEqual(of("inc"));
  });

  it("counts each retention suite by its name", async () => {
    const named = retention.map((task, i) => ({ ...task, suite: i === 0 ? "facts" : "code" }));
    const suites = ["facts", "code"].map((name) => ({ name, path: "unread.jsonl" }));
    const several = recipeWith({ retention: { suites, maxTokens: 13 } });
    const tasks = { gate, retention: named };
    const ports = portsWith();
    const { rows, summary } = await evaluate(input({ recipe: several, tasks }), ports);
    expect(keys(rows.evaluations!)).toContain("retention cand 2");
    expect(Object.keys(summary)).toEqual([
      ...["gate incumbent", "retention (facts) incumbent", "retention (code) incumbent"],
      ...["gate candidate", "retention (facts) candidate", "retention (code) candidate"],
    ]);
    expect(summary["retention (code) candidate"]).toMatch(/^\d\/1$/);
    expect(ports.asked.at(-1)!.request.sampling.maxTokens).toBe(13);
  });

  it("asks greedily, the gate in the student's words and retention without them", async () => {
    const ports = portsWith();
    await evaluate(input({ candidate: null }), ports);
    const [first, last] = [ports.asked[0]!.request, ports.asked.at(-1)!.request];
    expect(first.messages).toEqual([
      { role: "system", content: "Answer with a number." },
      { role: "user", content: `Q: ${gate[0]!.prompt}` },
    ]);
    expect(first.sampling).toMatchObject({ temperature: 0, maxTokens: 21 });
    expect(last.messages).toEqual([{ role: "user", content: retention[1]!.prompt }]);
    expect(last.sampling).toMatchObject({ temperature: 0, maxTokens: 13 });
  });

  it("shows no exemplars and no sealed task", async () => {
    const ports = portsWith();
    const withExemplars = recipeWith({ teacher: { exemplars: 3 } });
    const tasks = { gate, sealed: sums(4, "sealed") };
    await evaluate(input({ recipe: withExemplars, tasks, candidate: null }), ports);
    expect(ports.asked.map(({ request }) => request.messages.length)).toEqual([2, 2, 2]);
  });

  it("uses the answers that a model has given before", async () => {
    const ports = portsWith();
    const evaluations = [known("gate", "inc"), known("retention", "inc"), known("gate", null)];
    const { rows } = await evaluate(input({ rows: { evaluations } }), ports);
    expect(new Set(ports.asked.map(({ adapter }) => adapter))).toEqual(new Set(["cand"]));
    expect(rows.evaluations).toContain(evaluations[0]);
    expect(rows.evaluations).toContain(evaluations[1]);
    expect(rows.evaluations!.filter(({ adapter }) => adapter === "cand")).toHaveLength(2);
  });

  it("does not take the base weights' answers for an adapter's", async () => {
    const ports = portsWith();
    const evaluations = [known("gate", "inc"), known("retention", "inc")];
    await evaluate(input({ incumbent: null, candidate: null, rows: { evaluations } }), ports);
    expect(ports.asked).toHaveLength(5);
    expect(ports.asked.every(({ adapter }) => adapter === null)).toBe(true);
  });

  it("measures the incumbent alone where there is no candidate, and no suite that is empty", async () => {
    const changes = { incumbent: null, candidate: null, tasks: { gate } };
    const { rows } = await evaluate(input(changes), portsWith());
    expect(keys(rows.evaluations!)).toEqual(["gate null 3"]);
  });

  it("checks each answer against its own task", async () => {
    const answers = [` ${sum(0, "gate").reference} `, "1", "hm"];
    const ports = portsWith((_, n) => answers[n]!);
    const { rows, summary } = await evaluate(input({ candidate: null, tasks: { gate } }), ports);
    const items = rows.evaluations![0]!.items;
    expect(items.map(({ taskId }) => taskId)).toEqual(gate.map(({ id }) => id));
    expect(items.map(({ verdict }) => verdict.outcome)).toEqual(["ok", "wrong", "ungradable"]);
    expect(items[0]!.answer).toBe(gate[0]!.reference);
    expect(summary).toEqual({ "gate incumbent": "1/3" });
  });
});

describe("the sealed suite", () => {
  it("is asked like the gate", async () => {
    const ports = portsWith();
    const sealed = gate.map((task) => ({ ...task, split: "sealed" as const }));
    const both = input({ tasks: { gate, sealed } });
    await answerSuite(both, ports, "gate", candidate);
    const answers = await answerSuite(both, ports, "sealed", candidate);
    expect(keys([answers])).toEqual(["sealed cand 3"]);
    const requests = ports.asked.map(({ request }) => request);
    expect(requests.slice(3)).toEqual(requests.slice(0, 3));
  });
});
