import { describe, expect, it } from "vitest";
import type { Attempt } from "../../src/core/entities.js";
import { critique } from "../../src/stages/critique.js";
import {
  adapterNamed,
  attemptsAt,
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

  it("never shows the reference: a prompt that wants it is an error, even with a hint", async () => {
    const wants = promptOf("critique", "{{task}} {{reference}}");
    const attempts = attemptsAt(first, ["1 wrong"]);
    const ports = portsWith();
    for (const hint of [false, true]) {
      const input = inputFor(attempts, { teacher: { hint } }, wants);
      await expect(critique(input, ports)).rejects.toThrow("{{reference}}");
    }
    expect(ports.asked).toEqual([]);
    await critique(inputFor(attempts, { teacher: { hint: true } }), ports);
    expect(ports.questions().join()).not.toContain(first.reference);
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
