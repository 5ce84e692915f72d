import { describe, expect, it } from "vitest";
import type { Attempt } from "../../src/core/entities.js";
import { parsePrompt } from "../../src/prompts/load.js";
import { critique } from "../../src/stages/critique.js";
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
const alone = promptOf("critique", "{{task}} / {{answer}} / {{finding}}");
const settings = { critique: { prompt: "critique" }, refine: { prompt: "refine" } };

function inputFor(
  attempts: readonly Attempt[],
  changes: Record<string, unknown> = {},
  prompt = alone,
) {
  return inputWith({
    recipe: recipeWith({ ...settings, ...changes }),
    incumbent: adapterNamed("inc"),
    prompts: { critique: prompt },
    rows: { elicited: [first.id, second.id], attempts },
  });
}

/** The answers that were criticised, in the order of the critiques. */
async function criticised(attempts: readonly Attempt[], changes: Record<string, unknown> = {}) {
  const { rows } = await critique(inputFor(attempts, changes), portsWith());
  const of = new Map(attempts.map(({ id, answer }) => [id, answer]));
  return rows.critiques!.map(({ attemptId }) => of.get(attemptId));
}

describe("critique", () => {
  it("takes only tasks with fewer right answers than curation keeps", async () => {
    const attempts = [
      ...attemptsAt(first, ["1 wrong", "2 ok"]),
      ...attemptsAt(second, ["3 wrong"]),
    ];
    expect(await criticised(attempts)).toEqual(["3"]);
    expect(await criticised(attempts, { curate: { perTask: 2 } })).toEqual(["1", "3"]);
  });

  it("counts a right answer once, and not where it was cut off", async () => {
    const keepsTwo = { curate: { perTask: 2 } };
    expect(await criticised(attemptsAt(first, ["2 ok", "2 ok", "1 wrong"]), keepsTwo)).toEqual([
      "1",
    ]);
    expect(await criticised(attemptsAt(first, ["2 ok cut", "1 wrong"]))).toEqual(["1"]);
  });

  it("takes the most frequent failure first and each distinct one once", async () => {
    const attempts = attemptsAt(first, ["1 wrong", "2 wrong", "x ungradable", "2 wrong"]);
    expect(await criticised(attempts)).toEqual(["2"]);
    const three = { critique: { prompt: "critique", perTask: 3 } };
    expect(await criticised(attempts, three)).toEqual(["2", "1", "x"]);
    const ten = { critique: { prompt: "critique", perTask: 10 } };
    expect(await criticised(attempts, ten)).toEqual(["2", "1", "x"]);
  });

  it("leaves out tasks on which the majority is undecided, unless references decide", async () => {
    const attempts = [
      ...attemptsAt(first, ["1 ungradable", "2 ungradable"]),
      ...attemptsAt(second, ["3 ok", "4 wrong"]),
    ];
    const keepsTwo = { curate: { perTask: 2 } };
    expect(await criticised(attempts, keepsTwo)).toEqual(["1", "4"]);
    const voting = { ...keepsTwo, teacher: { labels: "majority" } };
    expect(await criticised(attempts, voting)).toEqual(["4"]);
  });

  it("asks a prompt that names {{task}} by itself", async () => {
    const ports = portsWith(() => " The sum is off. ");
    const [attempt] = attemptsAt(first, ["1 wrong"]);
    const { rows } = await critique(inputFor([attempt!], { teacher: { exemplars: 2 } }), ports);
    expect(ports.asked.map(({ request }) => request.messages)).toEqual([
      [{ role: "user", content: `${first.prompt} / 1 / It is wrong.` }],
    ]);
    expect(ports.asked[0]!.adapter).toBe("inc");
    expect(rows.critiques).toMatchObject([
      { attemptId: attempt!.id, taskId: first.id, text: "The sum is off.", promptHash: alone.hash },
    ]);
  });

  it("asks any other prompt in the conversation, after the answer", async () => {
    const ports = portsWith();
    const inTurn = promptOf("critique", "The checker says: {{finding}} Why?");
    const input = inputFor(attemptsAt(first, ["1 wrong"]), { teacher: { exemplars: 1 } }, inTurn);
    await critique(input, ports);
    const exemplar = sum(0);
    expect(ports.asked[0]!.request.messages).toEqual([
      { role: "system", content: "Answer with a number." },
      { role: "user", content: `Q: ${exemplar.prompt}` },
      { role: "assistant", content: exemplar.reference },
      { role: "user", content: `Q: ${first.prompt}` },
      { role: "assistant", content: "1" },
      { role: "user", content: "The checker says: It is wrong. Why?" },
    ]);
  });

  it("shows the reference only with a hint, and only to a prompt that wants it", async () => {
    const wants = promptOf("critique", "{{task}} / {{answer}} / {{reference}}");
    const attempts = attemptsAt(first, ["1 wrong"]);
    const ports = portsWith();
    await expect(critique(inputFor(attempts, {}, wants), ports)).rejects.toThrow("{{reference}}");
    expect(ports.asked).toEqual([]);
    const hinted = { teacher: { hint: true } };
    await critique(inputFor(attempts, hinted), ports);
    expect(ports.questions().join()).not.toContain(first.reference);
    await critique(inputFor(attempts, hinted, wants), ports);
    expect(ports.questions().at(-1)).toBe(`${first.prompt} / 1 / ${first.reference}`);
  });

  it("shows the most frequent other attempt, whatever its verdict, and none that was cut off", async () => {
    const wants = promptOf("critique", "{{task}} / {{answer}} / {{attempt}}");
    const shown = async (answers: string[], attempts = 8) => {
      const ports = portsWith();
      const input = inputFor(attemptsAt(first, answers), { generate: { attempts } }, wants);
      await critique(input, ports);
      return ports.questions()[0]?.split(" / ")[2];
    };
    expect(await shown(["1 wrong", "2 ungradable", "3 wrong", "1 wrong", "3 wrong"])).toBe("3");
    expect(await shown(["1 wrong", "1 wrong", "2 wrong cut", "3 wrong"])).toBe("3");
    expect(await shown(["1 wrong", "1 wrong"])).toContain("same answer");
    await expect(shown(["1 wrong"], 1)).rejects.toThrow("{{attempt}}");
  });

  it("reads what each says of the answer, and keeps what cannot be read as it is", async () => {
    const fields =
      "output: {critique: {type: string}, verdict: {enum: [right, wrong]}, confidence: {type: integer, minimum: 0, maximum: 100}}";
    const asks = parsePrompt(
      "critique",
      "x.md",
      `---\nname: asks\nversion: 1\nvariables: [task, answer]\n${fields}\n---\n{{task}} {{answer}}`,
    );
    const answers = [
      "critique: off by one\nverdict: wrong\nconfidence: 80",
      "It is wrong, I am sure.",
      cutOff("critique: fine\nverdict: right\nconfidence: 100"),
    ];
    const attempts = attemptsAt(first, ["1 wrong", "2 wrong", "3 wrong"]);
    const input = inputFor(attempts, { critique: { prompt: "critique", perTask: 3 } }, asks);
    const ports = portsWith((_, n) => answers[n]!);
    const { rows, summary } = await critique(input, ports);
    expect(rows.critiques!.map(({ says, confidence }) => [says, confidence])).toEqual([
      ["wrong", 0.8],
      ["ungradable", null],
      ["ungradable", null],
    ]);
    expect(rows.critiques![1]!.text).toBe("It is wrong, I am sure.");
    expect(summary).toMatchObject({ "say wrong": 1, "say right": 0, unsure: 0, ungradable: 2 });
    expect(ports.asked.some(({ request }) => "schema" in request)).toBe(false);
    await critique(input, { ...ports, holdsSchema: true });
    expect(ports.asked.at(-1)!.request.schema).toMatchObject({
      required: ["critique", "verdict", "confidence"],
    });
  });

  it("asks nobody with a prompt that says nothing", async () => {
    const none = parsePrompt(
      "critique",
      "x.md",
      "---\nname: none\nversion: 1\nvariables: []\noutput: none\n---\n",
    );
    const ports = portsWith();
    const { rows } = await critique(inputFor(attemptsAt(first, ["1 wrong"]), {}, none), ports);
    expect([rows, ports.asked]).toEqual([{}, []]);
  });

  it("keeps braces in an answer as text", async () => {
    const ports = portsWith();
    await critique(inputFor(attemptsAt(first, ["{{finding}} wrong"])), ports);
    expect(ports.questions()).toEqual([`${first.prompt} / {{finding}} / It is wrong.`]);
  });

  it("asks nothing in a recipe without it, or where nothing failed", async () => {
    const ports = portsWith();
    const without = inputWith({ rows: { attempts: attemptsAt(first, ["1 wrong"]) } });
    expect((await critique(without, ports)).rows).toEqual({});
    expect((await critique(inputFor(attemptsAt(first, ["1 ok"])), ports)).rows.critiques).toEqual(
      [],
    );
    expect(ports.asked).toEqual([]);
  });
});
