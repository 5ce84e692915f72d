import { describe, expect, it } from "vitest";
import { randomFrom } from "../../src/core/random.js";
import { parsePrompt } from "../../src/prompts/load.js";
import { examine, mend } from "../../src/stages/examine.js";
import { withMistake } from "../../src/stages/support/mistakes.js";
import { attemptsAt, inputWith, portsWith, promptOf, recipeWith, sums } from "./support.js";

const tasks = sums(9);
const verdictPrompt = parsePrompt(
  "critique",
  "critique",
  "---\nname: critique\nversion: 1\nvariables: [task, answer, finding]\noutput:\n  verdict: {enum: [right, wrong]}\n---\n{{task}} / {{answer}} / {{finding}}\n",
);

function input(changes: Record<string, unknown> = {}, prompt = verdictPrompt) {
  return inputWith({
    recipe: recipeWith({
      critique: { prompt: "critique" },
      refine: { prompt: "refine" },
      examine: { right: 2, wrong: 2, planted: 2 },
      ...changes,
    }),
    prompts: { critique: prompt, refine: promptOf("refine", "{{task}} {{answer}} {{critique}}") },
    rows: {
      elicited: tasks.map(({ id }) => id),
      attempts: tasks.flatMap((task, at) =>
        attemptsAt(task, at < 3 ? [`${task.reference} ok`, "1 wrong"] : ["2 wrong", "3 wrong"]),
      ),
    },
  });
}

describe("an examination", () => {
  it("takes right, wrong and planted answers, each of another task, and tells the critic of none", async () => {
    const ports = portsWith(() => "wrong");
    const { rows, summary } = await examine(input(), ports);
    const kinds = rows.examined!.map(({ kind }) => kind);
    expect(kinds).toEqual(["right", "right", "wrong", "wrong", "planted", "planted"]);
    expect(new Set(rows.examined!.map(({ taskId }) => taskId)).size).toBe(6);
    expect(rows.examined!.every(({ says }) => says === "wrong")).toBe(true);
    for (const question of ports.questions()) {
      expect(question).toMatch(/\(nobody has checked this answer\)$/);
    }
    expect(summary).toEqual({
      right: "2/2 called wrong",
      wrong: "2/2 called wrong",
      planted: "2/2 called wrong",
    });
  });

  it("plants what the verifier holds to be wrong", async () => {
    const { rows } = await examine(
      input(),
      portsWith(() => "right"),
    );
    const byId = new Map(tasks.map((task) => [task.id, task]));
    for (const { kind, taskId, answer } of rows.examined!) {
      const same = answer === byId.get(taskId)!.reference;
      expect(same).toBe(kind === "right");
    }
  });

  it("takes the same answers whatever the critique is, also where there is none", async () => {
    const answers = async (...given: Parameters<typeof input>) =>
      (
        await examine(
          input(...given),
          portsWith(() => "x"),
        )
      ).rows.examined!.map(({ taskId, kind, answer }) => [taskId, kind, answer]);
    const other = promptOf("critique", "What of {{answer}}?");
    const ports = portsWith();
    const none = await examine(input({ critique: null, refine: null }), ports);
    expect(ports.asked).toEqual([]);
    expect(none.rows.examined!.map(({ taskId, kind, answer }) => [taskId, kind, answer])).toEqual(
      await answers(),
    );
    expect(await answers({}, other)).toEqual(await answers());
  });

  it("keeps what cannot be read as ungradable, and asks nothing of a free text", async () => {
    const { rows } = await examine(
      input(),
      portsWith(() => "perhaps"),
    );
    expect(rows.examined![0]).toMatchObject({ says: "ungradable", text: "perhaps" });
    const free = await examine(input({}, promptOf("critique", "{{task}} {{answer}}")), portsWith());
    expect(free.rows.examined![0]).toMatchObject({ says: null, text: "no idea" });
    expect(free.summary).toEqual({ right: 2, wrong: 2, planted: 2 });
  });

  it("is nothing where the recipe has none", async () => {
    const ports = portsWith();
    expect(await examine(input({ examine: null }), ports)).toMatchObject({ rows: {} });
    expect(await mend(input({ examine: null }), ports)).toMatchObject({ rows: {} });
    expect(ports.asked).toEqual([]);
  });
});

describe("mending", () => {
  it("rewrites each examined answer once and counts what was fixed and what was broken", async () => {
    const given = input();
    const { rows } = await examine(
      given,
      portsWith(() => "wrong"),
    );
    const references = new Map(tasks.map(({ prompt, reference }) => [prompt, reference]));
    // Right for the wrong answers, wrong for the right ones.
    const ports = portsWith((request) => {
      const question = request.messages.at(-1)!.content;
      const [prompt, reference] = [...references].find(([text]) => question.startsWith(text))!;
      return question.startsWith(`${prompt} ${reference} `) ? "0" : reference!;
    });
    const { rows: mended, summary } = await mend(
      { ...given, rows: { ...given.rows, examined: rows.examined! } },
      ports,
    );
    expect(mended.mended).toHaveLength(6);
    expect(summary).toEqual({ fixed: "4/4", broken: "2/2" });
    expect(ports.questions()[0]).toContain("verdict: wrong");
  });
});

describe("a planted mistake", () => {
  it.each(["Anna | 12 | oak table | Novi", "The sum is 44", "7", '{"name": "Ann", "n": 3}'])(
    "changes %s",
    (answer) => {
      for (let seed = 0; seed < 50; seed++) {
        expect(withMistake(answer, randomFrom(seed))).not.toBe(answer);
        expect(withMistake(answer, randomFrom(seed))).not.toBeNull();
      }
    },
  );

  it("is not possible in every answer", () => {
    expect(withMistake("yes", randomFrom(1))).toBeNull();
  });
});
