import { describe, expect, it } from "vitest";
import type { CandidatePrompt } from "../../src/core/evolution.js";
import { sha256 } from "../../src/core/hash.js";
import { draftFitness, fitnessOf, meanFitness } from "../../src/evolution/fitness.js";
import { parseEvolution } from "../../src/evolution/load.js";
import { promptOf, readProposal } from "../../src/evolution/proposal.js";
import { divide } from "../../src/evolution/tasks.js";
import { usageError } from "../prompts/support.js";
import { recipeWith, sums } from "../stages/support.js";

const body = `---
name: check
version: 3
variables: [task, answer]
source: own
output:
  critique: {type: string}
  verdict: {enum: [right, wrong]}
---
Task: {{task}}

Answer: {{answer}}

Write two lines:
critique: what is wrong
verdict: right or wrong
`;
const start: CandidatePrompt = {
  ...{ id: "start", generation: 0, position: 0, parent: null, hash: sha256(body), body },
};
const good =
  "{{task}}\nIs this right: {{answer}}\nDo it again step by step. Write\ncritique: the first slip\nverdict: right or wrong";
const tasks = sums(20);

function read(text: string, changes: Partial<Parameters<typeof readProposal>[0]> = {}) {
  return readProposal({
    ...{ id: "g1-1", text, complete: true, parent: start, ancestor: { name: "check", body } },
    ...{ candidates: [start], tasks },
    ...changes,
  });
}

describe("a proposal", () => {
  it("becomes a prompt with the ancestor's front matter and a message of its own", () => {
    const made = read(`Here it is:\n\`\`\`\n${good}\n\`\`\`\nI hope it helps.`);
    const prompt = promptOf({ ...start, id: "g1-1", body: made.fault === null ? made.body : "" });
    expect(prompt).toMatchObject({ user: good, name: "g1-1", version: "1", parent: "check" });
    expect(prompt.output).toEqual(promptOf(start).output);
    expect(read(good).fault).toBeNull();
  });

  it.each([
    ["cut off", good, { complete: false }],
    ["empty", "```\n\n```", {}],
    ["copy", promptOf(start).user.toUpperCase().replace("TASK}}", "task}}"), {}],
    ["variables", good.replace("{{answer}}", "the answer"), {}],
    ["variables", `${good} {{reference}}`, {}],
    ["form", good.replace("verdict:", "I say"), {}],
    ["leak", `${good}\nLike ${tasks[3]!.reference}.`, {}],
    ["leak", `${good}\n${tasks[3]!.prompt}`, {}],
    ["lint", `${good} ${"again ".repeat(300)}`, {}],
    ["lint", `${good}\u200b`, {}],
  ] as const)("is not tried where it is at fault: %s", (fault, text, changes) => {
    const copy = fault === "copy" ? promptOf(start).user.replace("\n\n", "\n \n") : text;
    expect(read(copy, changes)).toMatchObject({ fault, reason: expect.any(String) });
  });

  it("is no leak for a label, a part of a longer number, or what the ancestor says itself", () => {
    const reference = tasks[3]!.reference!;
    expect(read(`${good} ${reference}1`).fault).toBeNull();
    expect(read(`${good} 3,0${reference.slice(-2)}`).fault).toBeNull();
    const labels = tasks.map((task, at) => ({ ...task, reference: at % 2 ? "B" : "right" }));
    expect(read(`${good} B`, { tasks: labels }).fault).toBeNull();
    const number = tasks.map((task) => (task === tasks[3] ? { ...task, reference: "two" } : task));
    expect(read(`${good} Write two lines.`, { tasks: number }).fault).toBeNull();
  });

  it("finds a reference however its number is written", () => {
    const [first] = tasks;
    const large = [{ ...first!, reference: "12345" }, ...tasks.slice(1)];
    expect(read(`${good} As 12,345`, { tasks: large }).fault).toBe("leak");
    expect(read(`${good} As 12,345.`, { tasks: large }).fault).toBe("leak");
  });
});

describe("fitness", () => {
  it("is the revision, and a quarter the verdict where there is one", () => {
    expect(draftFitness("wrong", "ok", null)).toBe(1);
    expect(draftFitness("right", "wrong", null)).toBe(0);
    expect(draftFitness("wrong", "ok", "wrong")).toBe(1);
    expect(draftFitness("wrong", "ok", "right")).toBe(0.75);
    expect(draftFitness("right", "ungradable", "right")).toBe(0.25);
    expect(draftFitness("right", "wrong", "ungradable")).toBe(0);
  });

  it("of a task is the mean over its drafts, once all were tried", () => {
    const draft = (id: string, taskId: string, tried: "right" | "wrong" | null) => ({
      ...{ id, taskId, tried, index: 0, callKey: "", answer: "", truncated: false },
      verdict: { outcome: "ok" as const, score: 1, verifier: "", finding: "" },
    });
    const drafts = [draft("1", "t", "right"), draft("2", "t", "wrong"), draft("3", "u", "wrong")];
    const trial = (draftId: string, score: number) => ({
      ...{ candidate: "c", draftId, score, critiqueKey: "", critique: "", says: null },
      ...{ revisionKey: "", revision: "", outcome: "ok" as const, finding: "" },
    });
    const half = fitnessOf("c", [trial("1", 1), trial("3", 1)], drafts);
    expect([...half]).toEqual([["u", 1]]);
    const whole = fitnessOf("c", [trial("1", 1), trial("2", 0), trial("3", 1)], drafts);
    expect(whole.get("t")).toBe(0.5);
    expect(meanFitness(whole, ["t", "u"])).toBe(0.75);
  });
});

describe("an evolution's tasks", () => {
  const spec = { breed: 8, prove: 12, taskSeed: 1 };

  it("are training tasks, each for one purpose, and no exemplar", () => {
    const recipe = recipeWith({ teacher: { exemplars: 4 }, tasks: sizes(24) });
    const all = [...sums(24), ...sums(10, "gate")];
    const { breed, prove } = divide(all, recipe, spec);
    const used = [...breed, ...prove];
    expect([breed.length, prove.length, new Set(used).size]).toEqual([8, 12, 20]);
    expect(used.every((id) => id.startsWith("train-"))).toBe(true);
    for (const { id } of sums(4)) expect(used).not.toContain(id);
  });

  it("are not proved on where they are twins of one that is bred on", () => {
    const twin = { ...sums(1)[0]!, id: "twin", prompt: "calculate 100+3000" };
    const error = usageError(() =>
      divide([sums(1)[0]!, twin], recipeWith(), { breed: 1, prove: 1, taskSeed: 1 }),
    );
    expect(error.message).toContain("too like one that is bred on");
  });
});

const sizes = (train: number) => ({ source: "jsonl", path: "unread.jsonl", train, gate: 10 });

describe("an evolution's file", () => {
  it("says what is wrong with it", () => {
    const least = "name: a\nrecipe: r.yaml\nprompt: p\n";
    expect(parseEvolution(least, "f")).toMatchObject({ breed: 40, prove: 100, finalists: 1 });
    expect(usageError(() => parseEvolution(`${least}breeds: 3`, "f")).hint).toContain("breed?");
    const large = usageError(() => parseEvolution(`${least}breed: 4\nminibatch: 5`, "f"));
    expect(large.message).toContain("minibatch: more than there are tasks");
  });
});
