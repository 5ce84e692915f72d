import { describe, expect, it } from "vitest";
import type { Attempt, Critique } from "../../src/core/entities.js";
import { parsePrompt } from "../../src/prompts/load.js";
import { refine } from "../../src/stages/refine.js";
import {
  adapterNamed,
  attemptsAt,
  cutOff,
  inputWith,
  portsWith,
  promptOf,
  recipeWith,
  sum,
} from "./support.js";

const [first, second] = [sum(4), sum(7)];
const plain = promptOf("refine", "{{task}} not {{answer}}, {{finding}}");

const critiqueOf = ({ id, taskId }: Attempt, text: string): Critique => ({
  id: `critique-${id}`,
  attemptId: id,
  taskId,
  callKey: id,
  promptHash: "hash",
  text,
  says: null,
  confidence: null,
});

function inputFor(
  attempts: readonly Attempt[],
  changes: Record<string, unknown> = {},
  prompt = plain,
  critiques: readonly Critique[] = [],
) {
  return inputWith({
    recipe: recipeWith({ refine: { prompt: "refine", tries: 2 }, ...changes }),
    incumbent: adapterNamed("inc"),
    prompts: { refine: prompt },
    rows: { elicited: [first.id, second.id], attempts, critiques },
  });
}

describe("refine", () => {
  it("rewrites each criticised attempt `tries` times with its critique in view", async () => {
    const attempts = attemptsAt(first, ["1 wrong", "2 wrong"]);
    const critiques = attempts.map((attempt) => critiqueOf(attempt, `Not ${attempt.answer}!`));
    const prompt = promptOf("refine", "{{task}} {{critique}}");
    const ports = portsWith((_, n) => [first.reference!, "3", "hm", cutOff(first.reference!)][n]!);
    const both = { critique: { prompt: "critique" } };
    const { rows, summary } = await refine(inputFor(attempts, both, prompt, critiques), ports);
    expect(ports.questions()).toEqual(
      ["1", "1", "2", "2"].map((answer) => `${first.prompt} Not ${answer}!`),
    );
    expect(
      rows.revisions!.map((r) => [r.attemptId, r.critiqueId, r.index, r.verdict.outcome]),
    ).toEqual([
      [attempts[0]!.id, critiques[0]!.id, 0, "ok"],
      [attempts[0]!.id, critiques[0]!.id, 1, "wrong"],
      [attempts[1]!.id, critiques[1]!.id, 0, "ungradable"],
      [attempts[1]!.id, critiques[1]!.id, 1, "ok"],
    ]);
    expect(rows.revisions!.map(({ truncated }) => truncated)).toEqual([false, false, false, true]);
    expect(summary).toMatchObject({ revisions: 4, ok: 2, wrong: 1, ungradable: 1 });
    expect(summary["tasks fixed"]).toBe(1);
    const seeds = ports.asked.map(({ request }) => request.sampling.seed);
    expect(new Set(seeds).size).toBe(4);
    expect(new Set(rows.revisions!.map(({ id }) => id)).size).toBe(4);
    expect(ports.asked.every(({ adapter }) => adapter === "inc")).toBe(true);
  });

  it("shows the words of a critique without its verdict, and all of one that cannot be read", async () => {
    const fields = "{verdict: {enum: [right, wrong]}, critique: {type: string}}";
    const critic = parsePrompt(
      "critique",
      "x.md",
      `---\nname: x\nversion: 1\nvariables: [task, answer]\noutput: ${fields}\n---\n{{task}} {{answer}}`,
    );
    const attempts = attemptsAt(first, ["1 wrong", "2 wrong"]);
    const said = ["verdict: wrong\ncritique: Lost the carry.", "verdict: perhaps\ncritique: Hm."];
    const critiques = attempts.map((attempt, i) => ({
      ...critiqueOf(attempt, said[i]!),
      says: i === 0 ? ("wrong" as const) : ("ungradable" as const),
    }));
    const prompt = promptOf("refine", "{{task}} {{critique}}");
    const both = { critique: { prompt: "critique" }, refine: { prompt: "refine", tries: 1 } };
    const input = inputFor(attempts, both, prompt, critiques);
    const ports = portsWith();
    await refine({ ...input, prompts: { ...input.prompts, critique: critic } }, ports);
    expect(ports.questions()).toEqual([
      `${first.prompt} Lost the carry.`,
      `${first.prompt} ${said[1]}`,
    ]);
  });

  it("rewrites what would be criticised, without a critique, where its prompt says nothing", async () => {
    const none = parsePrompt(
      "critique",
      "x.md",
      "---\nname: none\nversion: 1\nvariables: []\noutput: none\n---\n",
    );
    const attempts = attemptsAt(first, ["1 wrong", "2 wrong", "3 wrong"]);
    const prompt = promptOf("refine", "{{task}} {{answer}} [{{critique}}]");
    const both = {
      critique: { prompt: "none", perTask: 2 },
      refine: { prompt: "refine", tries: 1 },
    };
    const input = inputFor(attempts, both, prompt);
    const ports = portsWith();
    const { rows } = await refine(
      { ...input, prompts: { ...input.prompts, critique: none } },
      ports,
    );
    expect(ports.questions()).toEqual(["1", "2"].map((answer) => `${first.prompt} ${answer} []`));
    expect(rows.revisions!.map(({ critiqueId }) => critiqueId)).toEqual([null, null]);
  });

  it("shares one array of messages among the tries of a rewrite", async () => {
    const ports = portsWith();
    await refine(inputFor(attemptsAt(first, ["1 wrong"])), ports);
    expect(ports.asked[0]!.request.messages).toBe(ports.asked[1]!.request.messages);
  });

  it("without a critique stage rewrites the commonest failure of each unsolved task", async () => {
    const ports = portsWith();
    const attempts = [
      ...attemptsAt(first, ["1 wrong", "2 wrong", "2 wrong"]),
      ...attemptsAt(second, ["3 ok", "4 wrong"]),
    ];
    const { rows } = await refine(inputFor(attempts, { refine: { prompt: "refine" } }), ports);
    expect(new Set(ports.questions())).toEqual(new Set([`${first.prompt} not 2, It is wrong.`]));
    expect(rows.revisions!.every(({ critiqueId }) => critiqueId === null)).toBe(true);
  });

  it("shows a question that names {{task}} after the exemplars, once in the student's system", async () => {
    const ports = portsWith();
    await refine(inputFor(attemptsAt(first, ["1 wrong"]), { teacher: { exemplars: 1 } }), ports);
    expect(ports.asked[0]!.request.messages).toEqual([
      { role: "system", content: "Answer with a number." },
      { role: "user", content: `Q: ${sum(0).prompt}` },
      { role: "assistant", content: sum(0).reference },
      { role: "user", content: `${first.prompt} not 1, It is wrong.` },
    ]);
  });

  it("uses the prompt's own system message where it has one", async () => {
    const ports = portsWith();
    const prompt = promptOf("refine", "{{task}} again", "You mend sums.");
    await refine(inputFor(attemptsAt(first, ["1 wrong"]), {}, prompt), ports);
    expect(ports.asked[0]!.request.messages).toEqual([
      { role: "system", content: "You mend sums." },
      { role: "user", content: `${first.prompt} again` },
    ]);
  });

  it("goes on after the failed answer with a prompt that does not name {{task}}", async () => {
    const ports = portsWith();
    const prompt = promptOf("refine", "{{finding}} Again, please.");
    await refine(inputFor(attemptsAt(first, ["1 wrong"]), {}, prompt), ports);
    expect(ports.asked[0]!.request.messages).toEqual([
      { role: "system", content: "Answer with a number." },
      { role: "user", content: `Q: ${first.prompt}` },
      { role: "assistant", content: "1" },
      { role: "user", content: "It is wrong. Again, please." },
    ]);
  });

  it("gives the reference with a hint, and only then", async () => {
    const prompt = promptOf("refine", "{{task}} It is {{reference}}.");
    const attempts = attemptsAt(first, ["1 wrong"]);
    const ports = portsWith();
    await refine(inputFor(attempts, { teacher: { hint: true } }, prompt), ports);
    expect(ports.questions()[0]).toBe(`${first.prompt} It is ${first.reference}.`);
    await expect(refine(inputFor(attempts, {}, prompt), ports)).rejects.toThrow("{{reference}}");
  });

  it("asks nothing in a recipe without it", async () => {
    const ports = portsWith();
    const input = inputWith({ rows: { attempts: attemptsAt(first, ["1 wrong"]) } });
    expect((await refine(input, ports)).rows).toEqual({});
    expect(ports.asked).toEqual([]);
  });
});

describe("refine with labels by majority", () => {
  const voting = { teacher: { labels: "majority" }, curate: { perTask: 3 } };
  const outcomes = async (attempts: readonly Attempt[], answers: readonly string[]) => {
    const { rows } = await refine(
      inputFor(attempts, voting),
      portsWith((_, n) => answers[n]!),
    );
    return rows.revisions!.map(({ verdict }) => verdict.outcome);
  };

  it("calls right what most first attempts said, whatever the reference says", async () => {
    const attempts = attemptsAt(first, ["5 ok", "5 ok", "6 wrong"]);
    expect(await outcomes(attempts, ["So it is 5.", first.reference!])).toEqual(["ok", "wrong"]);
    expect(await outcomes(attempts, ["hm", "5"])).toEqual(["ungradable", "ok"]);
  });

  it("does not let attempts vote that were cut off", async () => {
    const attempts = attemptsAt(first, [
      ...["5 ok", "5 ok", "6 ungradable cut", "6 ungradable cut", "7 wrong"],
    ]);
    const relaxed = { ...voting, teacher: { labels: "majority", majorityShare: 0.4 } };
    const { rows } = await refine(
      inputFor(attempts, relaxed),
      portsWith((_, n) => ["5", "6"][n]!),
    );
    expect(rows.revisions!.map(({ verdict }) => verdict.outcome)).toEqual(["ok", "wrong"]);
  });

  it("does not rework a task that is undecided", async () => {
    const ports = portsWith();
    const attempts = attemptsAt(first, ["5 ungradable", "6 ungradable", "7 ungradable"]);
    const { rows } = await refine(inputFor(attempts, voting), ports);
    expect(rows.revisions).toEqual([]);
    expect(ports.asked).toEqual([]);
  });
});
