import { describe, expect, it } from "vitest";
import type { Example, Split, Task } from "../../src/core/entities.js";
import { curate } from "../../src/stages/curate.js";
import {
  adapterNamed,
  attemptsAt,
  cutOff,
  inputWith,
  portsWith,
  recipeWith,
  sum,
  sums,
} from "./support.js";

const words = "river stone lantern orchard velvet compass meadow thunder".split(" ");

/** General prompts that nothing resembles. */
const general = (count: number): Task[] =>
  Array.from({ length: count }, (_, n) => ({
    ...sum(n, "replay"),
    prompt: `Tell me about the ${words[n]}.`,
    reference: null,
  }));

/** A held-out task in nearly the words of a training task. */
const twinOf = (task: Task, split: Split): Task => ({
  ...task,
  id: `${split}-twin`,
  split,
  prompt: task.prompt.toUpperCase().replace("+", " + ").replace(".", " ?"),
});

const rightAt = (count: number) => sums(count).flatMap((task) => attemptsAt(task, ["a ok"]));

describe("curate and held-out tasks", () => {
  it("refuses examples of a task that a suite (nearly) holds, with the twin's id", async () => {
    for (const split of ["gate", "sealed", "retention"] as const) {
      const tasks = { [split]: [sum(20, split), twinOf(sum(1), split)] };
      const attempts = rightAt(3);
      const { rows } = await curate(inputWith({ tasks, rows: { attempts } }), portsWith());
      expect(rows.examples!.map(({ taskId }) => taskId)).toEqual(["train-0", "train-2"]);
      expect(rows.refusals).toEqual([
        {
          sourceId: attempts[1]!.id,
          taskId: "train-1",
          reason: `its task resembles held-out task ${split}-twin`,
        },
      ]);
    }
  });

  it("refuses them when they are carried over, too", async () => {
    const [example] = (await curate(inputWith({ rows: { attempts: rightAt(1) } }), portsWith()))
      .rows.examples!;
    const { rows } = await curate(
      inputWith({
        round: 2,
        tasks: { sealed: [twinOf(sum(0), "sealed")] },
        earlierExamples: [example as Example],
      }),
      portsWith(),
    );
    expect(rows.examples).toEqual([]);
    expect(rows.refusals!.map(({ sourceId }) => sourceId)).toEqual([example!.sourceId]);
  });

  it("keeps tasks that only share the template", async () => {
    const tasks = { gate: [10, 11, 12].map((n) => sum(n, "gate")) };
    const { rows } = await curate(
      inputWith({ tasks, rows: { attempts: rightAt(3) } }),
      portsWith(),
    );
    expect(rows.examples).toHaveLength(3);
  });
});

describe("curate's rehearsal", () => {
  const recipe = (ratio: number, seed = 5) =>
    recipeWith({ seed, curate: { replay: { path: "unread.jsonl", ratio, maxTokens: 9 } } });
  const rehearsed = async (
    ratio: number,
    ports = portsWith(({ messages }) => ` About ${messages[0]!.content} `),
    seed = 5,
  ) => {
    const { rows, summary } = await curate(
      inputWith({
        recipe: recipe(ratio, seed),
        round: 2,
        incumbent: adapterNamed("inc"),
        tasks: { replay: general(6) },
        rows: { attempts: rightAt(8) },
      }),
      ports,
    );
    const replay = rows.examples!.filter(({ source }) => source === "replay");
    return { replay, summary, examples: rows.examples! };
  };

  it("asks the base weights greedily, without the student's prompt", async () => {
    const ports = portsWith();
    await rehearsed(0.25, ports);
    expect(ports.asked).toHaveLength(2);
    for (const { request, adapter } of ports.asked) {
      expect(adapter).toBeNull();
      expect(request.sampling).toMatchObject({ temperature: 0, maxTokens: 9 });
      expect(request.messages).toHaveLength(1);
      expect(general(6).map(({ prompt }) => prompt)).toContain(request.messages[0]!.content);
    }
  });

  it("adds its answers, so many for each example, behind the examples", async () => {
    const { replay, summary, examples } = await rehearsed(0.5);
    expect(replay).toHaveLength(4);
    expect(examples.slice(8)).toEqual(replay);
    expect(summary).toMatchObject({ examples: 8, rehearsal: 4 });
    for (const { messages, completion, originRound } of replay) {
      expect(completion).toBe(`About ${messages[0]!.content}`);
      expect(originRound).toBe(0);
    }
  });

  it("has no more than there are prompts, and none without examples or at ratio 0", async () => {
    expect((await rehearsed(10)).replay).toHaveLength(6);
    expect((await rehearsed(0)).replay).toEqual([]);
    const ports = portsWith();
    const input = inputWith({ recipe: recipe(1), tasks: { replay: general(6) } });
    expect((await curate(input, ports)).rows.examples).toEqual([]);
    expect(ports.asked).toEqual([]);
  });

  it("leaves out answers that are cut off or empty", async () => {
    const ports = portsWith((_, n) => [cutOff("and so on"), "  ", "whole", "good"][n]!);
    const { replay } = await rehearsed(0.5, ports);
    expect(replay.map(({ completion }) => completion)).toEqual(["whole", "good"]);
  });

  it("takes the same prompts for the same seed, others for another", async () => {
    const ids = async (seed: number) =>
      (await rehearsed(0.5, undefined, seed)).replay.map(({ taskId }) => taskId);
    expect(await ids(5)).toEqual(await ids(5));
    expect(await ids(5)).not.toEqual(await ids(6));
  });
});
