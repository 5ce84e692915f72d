import { describe, expect, it } from "vitest";
import { generate } from "../../src/stages/generate.js";
import {
  adapterNamed,
  cutOff,
  inputWith,
  portsWith,
  promptOf,
  recipeWith,
  sum,
  sums,
} from "./support.js";

const elicited = ["train-4", "train-7"];
const recipe = recipeWith({ generate: { attempts: 3 } });
const seeds = async (changes: Parameters<typeof inputWith>[0] = {}) => {
  const ports = portsWith();
  await generate(inputWith({ recipe, rows: { elicited }, ...changes }), ports);
  return ports.asked.map(({ request }) => request.sampling.seed);
};

describe("generate", () => {
  it("asks the incumbent each elicited task k times, with one array of messages a task", async () => {
    const ports = portsWith();
    const incumbent = adapterNamed("inc");
    const { rows } = await generate(inputWith({ recipe, incumbent, rows: { elicited } }), ports);
    expect(rows.attempts!.map(({ taskId, index }) => `${taskId} ${index}`)).toEqual(
      elicited.flatMap((id) => [0, 1, 2].map((index) => `${id} ${index}`)),
    );
    const arrays = ports.asked.map(({ request }) => request.messages);
    expect(new Set(arrays.slice(0, 3)).size).toBe(1);
    expect(new Set(arrays.slice(3)).size).toBe(1);
    expect(arrays[0]).not.toEqual(arrays[3]);
    expect(ports.asked.every(({ adapter }) => adapter === "inc")).toBe(true);
  });

  it("shows exemplars as turns between the student's system message and the question", async () => {
    const ports = portsWith();
    const shown = recipeWith({ generate: { attempts: 1 }, teacher: { exemplars: 2 } });
    await generate(inputWith({ recipe: shown, rows: { elicited: ["train-4"] } }), ports);
    const [a, b, question] = [sum(0), sum(1), sum(4)];
    expect(ports.asked[0]!.request.messages).toEqual([
      { role: "system", content: "Answer with a number." },
      { role: "user", content: `Q: ${a.prompt}` },
      { role: "assistant", content: a.reference },
      { role: "user", content: `Q: ${b.prompt}` },
      { role: "assistant", content: b.reference },
      { role: "user", content: `Q: ${question.prompt}` },
    ]);
  });

  it("has no system message where the student's prompt has none", async () => {
    const ports = portsWith();
    const prompts = { student: promptOf("student", "{{task}}") };
    await generate(inputWith({ recipe, prompts, rows: { elicited: ["train-4"] } }), ports);
    expect(ports.asked[0]!.request.messages).toEqual([{ role: "user", content: sum(4).prompt }]);
  });

  it("gives every sample a seed of its own, the same in every run", async () => {
    const first = await seeds();
    expect(new Set(first).size).toBe(6);
    expect(await seeds()).toEqual(first);
    // Neither the other tasks of the round nor who answers has a say.
    expect(await seeds({ rows: { elicited: ["train-7"] } })).toEqual(first.slice(3));
    expect(await seeds({ incumbent: adapterNamed("inc") })).toEqual(first);
    for (const other of [{ round: 2 }, { recipe: { ...recipe, seed: 6 } }]) {
      expect((await seeds(other)).filter((seed) => first.includes(seed))).toEqual([]);
    }
  });

  it("marks answers that were cut off, and still checks them", async () => {
    const right = sum(4).reference!;
    const ports = portsWith((_, n) => [` ${right}\n`, cutOff(right), cutOff("1")][n]!);
    const { rows } = await generate(inputWith({ recipe, rows: { elicited: ["train-4"] } }), ports);
    expect(
      rows.attempts!.map(({ answer, truncated, verdict }) => [answer, truncated, verdict.outcome]),
    ).toEqual([
      [right, false, "ok"],
      [right, true, "ok"],
      ["1", true, "wrong"],
    ]);
  });

  it("counts attempts by outcome, and tasks with a right answer", async () => {
    const right = sum(4).reference!;
    const ports = portsWith((_, n) => [right, right, "1", "hm", "hm", "2"][n]!);
    const { summary } = await generate(inputWith({ recipe, rows: { elicited } }), ports);
    expect(summary).toMatchObject({ attempts: 6, ok: 2, wrong: 2, ungradable: 2 });
    expect(summary["tasks solved"]).toBe(1);
  });
});

describe("generate with labels by majority", () => {
  const outcomes = async (answers: (string | ReturnType<typeof cutOff>)[], share = 0.5) => {
    const voting = recipeWith({
      generate: { attempts: answers.length },
      teacher: { labels: "majority", majorityShare: share },
    });
    const tasks = { train: sums(10).map((task) => ({ ...task, reference: null })) };
    const input = inputWith({ recipe: voting, tasks, rows: { elicited: ["train-4"] } });
    const { rows } = await generate(
      input,
      portsWith((_, n) => answers[n]!),
    );
    return rows.attempts!.map(({ verdict }) => verdict.outcome);
  };

  it("takes what most samples of the task say for right, without a reference", async () => {
    expect(await outcomes(["5", "It is 5.", "6"])).toEqual(["ok", "ok", "wrong"]);
  });

  it("leaves a task undecided below the share", async () => {
    expect(await outcomes(["5", "5", "6", "7"], 0.6)).toEqual(Array(4).fill("ungradable"));
    expect(await outcomes(["5", "5", "6", "6"])).toEqual(Array(4).fill("ungradable"));
  });

  it("gives answers that were cut off no vote, but counts them among the attempts", async () => {
    expect(await outcomes([cutOff("6"), cutOff("6"), "5", "5", "5"])).toEqual([
      ...["ungradable", "ungradable"],
      ...["ok", "ok", "ok"],
    ]);
    expect(await outcomes([cutOff("6"), cutOff("6"), cutOff("6"), "5", "5"])).toEqual(
      Array(5).fill("ungradable"),
    );
  });

  it("votes for each task by itself", async () => {
    const voting = recipeWith({ generate: { attempts: 3 }, teacher: { labels: "majority" } });
    const { rows } = await generate(
      inputWith({ recipe: voting, rows: { elicited } }),
      portsWith((_, n) => ["5", "5", "6", "6", "6", "5"][n]!),
    );
    expect(rows.attempts!.map(({ verdict }) => verdict.outcome)).toEqual([
      ...["ok", "ok", "wrong"],
      ...["ok", "ok", "wrong"],
    ]);
  });
});
