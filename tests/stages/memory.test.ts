import { describe, expect, it } from "vitest";
import type { Attempt, Critique, Revision, Task } from "../../src/core/entities.js";
import { sha256 } from "../../src/core/hash.js";
import {
  type DistilledLesson,
  type Memory,
  memoryText,
  nothingNew,
  parseMemory,
} from "../../src/core/memory.js";
import { curate } from "../../src/stages/curate.js";
import { answerSuite } from "../../src/stages/evaluate.js";
import { generate } from "../../src/stages/generate.js";
import { retrain } from "../../src/stages/retrain.js";
import { rankedLessons } from "../../src/stages/support/memory/assemble.js";
import type { StageInput } from "../../src/stages/types.js";
import {
  attemptAt,
  inputWith,
  portsWith,
  promptOf,
  recipeWith,
  sum,
  sums,
  verdictOf,
} from "./support.js";

const prompts = {
  memory: promptOf("memory", "Lessons:\n{{lessons}}\n\n{{question}}"),
  distil: promptOf("distil", "{{task}} {{answer}} {{critique}} {{revision}}"),
};

const rules = [
  "Add the units before you add anything else.",
  "Check whether a digit was carried over.",
  "Write nothing but the number itself.",
];

/** A failed attempt, its critique, and a revision that is right unless told otherwise. */
function mended(task: Task, outcome: "ok" | "wrong" = "ok") {
  const attempt: Attempt = attemptAt(task, 0, "1", "wrong");
  const critique: Critique = {
    ...{ id: `critique-${task.id}`, attemptId: attempt.id, taskId: task.id },
    ...{ callKey: "c", promptHash: "h", text: `wrong by far ${task.id}` },
    ...{ says: null, confidence: null },
  };
  const revision: Revision = {
    ...{ id: `revision-${task.id}`, attemptId: attempt.id, critiqueId: critique.id },
    ...{ taskId: task.id, index: 0, callKey: "r", answer: task.reference! },
    ...{ truncated: false, verdict: verdictOf(outcome) },
  };
  return { attempt, critique, revision };
}

type Changes = NonNullable<Parameters<typeof inputWith>[0]>;

/** A round that solved the first task at once, mended others, and was curated. */
async function curated(
  { retrain: settings = { method: "memory" }, ...recipe }: Record<string, unknown> = {},
  changes: Changes = {},
  mends = [mended(sum(1)), mended(sum(2)), mended(sum(3), "wrong")],
): Promise<StageInput> {
  const rows = {
    elicited: sums(10).map(({ id }) => id),
    attempts: [
      attemptAt(sum(0), 0, sum(0).reference!, "ok"),
      ...mends.map(({ attempt }) => attempt),
    ],
    critiques: mends.map(({ critique }) => critique),
    revisions: mends.map(({ revision }) => revision),
  };
  const input = inputWith({
    recipe: recipeWith({ retrain: settings, curate: { minimum: 1 }, ...recipe }),
    ...changes,
    prompts: { ...prompts, ...changes.prompts },
    rows,
  });
  const { rows: more } = await curate(input, portsWith());
  return { ...input, rows: { ...input.rows, ...more } };
}

const memoryOf = (text: string | null | undefined): Memory => parseMemory(text!);
/** The answer to the n-th question for a lesson. */
const saying =
  (...lines: string[]) =>
  (_: unknown, index: number) =>
    lines[index % lines.length]!;

describe("retrain by memory", () => {
  it("makes lessons of critiques that mended an answer, and of no others", async () => {
    const ports = portsWith(saying(`\n- ${rules[0]}\nMore.`, `"${rules[1]}"`));
    const { rows, summary } = await retrain(await curated(), ports);
    expect(ports.questions()).toEqual(
      [1, 2].map((n) => `${sum(n).prompt} 1 wrong by far train-${n} ${sum(n).reference}`),
    );
    expect(ports.asked.every(({ request }) => request.sampling.temperature === 0)).toBe(true);
    const { lessons } = memoryOf(rows.candidate?.memory);
    expect(lessons.map(({ text }) => text)).toEqual(rules.slice(0, 2));
    expect(lessons[0]!.evidence).toEqual([
      {
        ...{ round: 1, taskId: "train-1", attemptId: "attempt-train-1-0" },
        ...{ critiqueId: "critique-train-1", revisionId: "revision-train-1" },
      },
    ]);
    expect(summary).toMatchObject({ lessons: 2, exemplars: 3, distilled: 2 });
    expect(ports.jobs).toEqual([]);
  });

  it("takes right answers of the training set as exemplars, each with where it is from", async () => {
    const { rows } = await retrain(await curated(), portsWith());
    const { exemplars } = memoryOf(rows.candidate?.memory);
    expect(exemplars.map(({ evidence }) => evidence.taskId).sort()).toEqual([
      "train-0",
      "train-1",
      "train-2",
    ]);
    const first = exemplars.find(({ evidence }) => evidence.taskId === "train-0");
    expect(first).toEqual({
      ...{ prompt: sum(0).prompt, answer: sum(0).reference },
      evidence: { round: 1, taskId: "train-0", source: "attempt", sourceId: "attempt-train-0-0" },
    });
  });

  it("names the candidate by the bytes of its file, which has no weights", async () => {
    const ports = portsWith(saying(rules[0]!));
    const { candidate } = (await retrain(await curated(), ports)).rows;
    expect(ports.remembered).toEqual([candidate!.memory]);
    expect(candidate).toMatchObject({
      ...{ sha256: sha256(candidate!.memory), weights: null, ggufPath: null, peftPath: null },
      ...{ parent: null, memoryPath: `adapters/${candidate!.sha256}/memory.json`, tokens: 0 },
    });
  });

  it("keeps what a line may not say, with the reason, and remembers none of it", async () => {
    const held = sum(5, "gate");
    const lines = [
      ["", "says nothing whole"],
      [`The sum is ${sum(1).reference}.`, "holds the answer of its task"],
      [held.prompt, `resembles held-out task ${held.id}`],
    ] as const;
    for (const [line, reason] of lines) {
      const input = await curated({}, { tasks: { gate: [held] } }, [mended(sum(1))]);
      const { rows } = await retrain(input, portsWith(saying(line)));
      expect(rows.distilled).toMatchObject([{ text: line, refused: reason }]);
      expect(memoryOf(rows.candidate?.memory).lessons).toEqual([]);
    }
  });

  it("takes the whole sentences of a line that was cut off, and of a longer answer the first line", async () => {
    const cutAt = [
      [`${rules[0]} And then yo`, rules[0], null],
      [`${rules[0]}\nAnd then yo`, rules[0], null],
      ["And then yo", "", "says nothing whole"],
    ] as const;
    for (const [said, text, refused] of cutAt) {
      const ports = portsWith(() => ({ text: said, stopReason: "length" }));
      const { rows } = await retrain(await curated({}, {}, [mended(sum(1))]), ports);
      expect(rows.distilled).toMatchObject([{ text, refused }]);
    }
  });

  it("lets in nothing of a task that a gate, sealed or retention suite holds", async () => {
    // The twins of tasks 0 to 2, in other words of the same kind.
    const twin = (n: number, split: "gate" | "sealed" | "retention") => ({
      ...sum(n, split),
      prompt: sum(n).prompt.replace("Calculate", "calculate"),
    });
    const tasks = {
      gate: [twin(0, "gate")],
      sealed: [twin(1, "sealed")],
      retention: [twin(2, "retention")],
    };
    const ports = portsWith(saying(rules[0]!, rules[1]!, rules[2]!));
    const mends = [mended(sum(1)), mended(sum(2)), mended(sum(4))];
    const { rows } = await retrain(await curated({}, { tasks }, mends), ports);
    const { lessons, exemplars } = memoryOf(rows.candidate?.memory);
    expect(exemplars.map(({ evidence }) => evidence.taskId)).toEqual(["train-4"]);
    expect(lessons.flatMap(({ evidence }) => evidence.map(({ taskId }) => taskId))).toEqual([
      "train-4",
    ]);
    const refused = rows.distilled!.map(({ refused: why }) => why);
    expect(refused).toEqual([
      "resembles held-out task sealed-1",
      "resembles held-out task retention-2",
      null,
    ]);
  });

  it("stays under its tokens and counts, as the model counts them", async () => {
    const tokens = async (settings: object) => {
      const retrainSettings = { method: "memory", ...settings };
      const { rows, summary } = await retrain(
        await curated({ retrain: retrainSettings }),
        portsWith(saying(...rules)),
      );
      const memory = rows.candidate && memoryOf(rows.candidate.memory);
      return [summary["memory tokens"], memory?.exemplars.length, memory?.lessons.length];
    };
    const [all] = await tokens({});
    expect(await tokens({ tokens: all })).toEqual([all, 3, 2]);
    const [less, exemplars, lessons] = await tokens({ tokens: Number(all) - 1 });
    expect(less).toBeLessThan(Number(all));
    expect([exemplars, lessons]).toEqual([3, 1]);
    expect((await tokens({ lessons: 0 })).slice(1)).toEqual([3, 0]);
    expect((await tokens({ exemplars: 1 })).slice(1)).toEqual([1, 2]);
  });

  it("skips the round where nothing was learned, or nothing new", async () => {
    const nothing = inputWith({ recipe: recipeWith({ retrain: { method: "memory" } }), prompts });
    const none = await retrain(nothing, portsWith());
    expect(none.rows.noCandidate).toMatch(/nothing to remember/);
    const input = await curated();
    const { candidate } = (await retrain(input, portsWith(saying(rules[0]!)))).rows;
    const incumbent = { sha256: candidate!.sha256, weights: null, memory: null };
    const again = await retrain({ ...input, incumbent }, portsWith(saying(rules[0]!)));
    expect(again.rows).toMatchObject({ noCandidate: nothingNew });
  });

  it("stands beside trained weights where the recipe has both", async () => {
    const ports = portsWith(saying(rules[0]!));
    const both = { retrain: { method: "sft" }, memory: {} };
    const { candidate } = (await retrain(await curated(both), ports)).rows;
    expect(ports.jobs).toHaveLength(1);
    expect(candidate).toMatchObject({ weights: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(candidate!.sha256).toBe(sha256(candidate!.memory));
    expect(JSON.parse(candidate!.memory!).weights).toBe(candidate!.weights);
    // What is trained on is the bare question.
    expect(JSON.stringify(ports.jobs[0]!.examples)).not.toContain("Lessons:");
  });
});

describe("lessons that say the same", () => {
  const lesson = (n: number, text: string, taskId = `train-${n}`): DistilledLesson => ({
    ...{ id: `lesson-${n}`, round: n, taskId, attemptId: `a${n}`, critiqueId: `c${n}` },
    ...{ revisionId: `r${n}`, callKey: "k", text, refused: null },
  });
  const all = [
    lesson(1, rules[0]!),
    lesson(2, rules[1]!),
    lesson(3, `${rules[1]!.toUpperCase().slice(0, -1)}!`),
    lesson(4, rules[2]!),
  ];

  it("are one, in the oldest's words; the best-supported first, then the newest", () => {
    const ranked = rankedLessons(all, 1);
    expect(ranked.map(({ text }) => text)).toEqual([rules[1], rules[2], rules[0]]);
    expect(ranked[0]!.evidence.map(({ round }) => round)).toEqual([2, 3]);
  });

  it("need different tasks, where the recipe wants evidence", () => {
    expect(rankedLessons(all, 2).map(({ text }) => text)).toEqual([rules[1]]);
    const sameTask = all.map((each) => ({ ...each, taskId: "train-1" }));
    expect(rankedLessons(sameTask, 2)).toEqual([]);
  });
});

describe("a memory in the student's question", () => {
  const memory: Memory = {
    lessons: [{ text: rules[0]!, evidence: [] }],
    exemplars: [
      {
        ...{ prompt: "Calculate 1 + 1.", answer: "2" },
        evidence: { round: 1, taskId: "t", source: "attempt", sourceId: "a" },
      },
    ],
  };
  const candidate = { sha256: "m", weights: null, memory };
  const messages = [
    { role: "system", content: "Answer with a number." },
    { role: "user", content: "Q: Calculate 1 + 1." },
    { role: "assistant", content: "2" },
    { role: "user", content: `Lessons:\n- ${rules[0]}\n\nQ: ${sum(1).prompt}` },
  ];

  it("is asked at evaluation of its own candidate alone, by the base weights", async () => {
    const input = inputWith({ prompts, tasks: { gate: [sum(1, "gate")] } });
    const ports = portsWith();
    await answerSuite(input, ports, "gate", candidate);
    await answerSuite(input, ports, "gate", null);
    const [remembering, bare] = ports.asked;
    expect(remembering).toMatchObject({ adapter: null, request: { messages } });
    expect(bare!.request.messages.at(-1)!.content).toBe(`Q: ${sum(1).prompt}`);
    expect(bare!.request.messages).toHaveLength(2);
  });

  it("is the incumbent's at attempts, and the system message may hold it", async () => {
    const rows = { elicited: ["train-1"] };
    const ports = portsWith();
    await generate(inputWith({ prompts, rows, incumbent: candidate }), ports);
    expect(ports.asked[0]!.request.messages).toEqual(messages);
    const system = promptOf("memory", "{{question}}", "Mind:\n{{lessons}}");
    const other = portsWith();
    const input = inputWith({ prompts: { memory: system }, rows, incumbent: candidate });
    await generate(input, other);
    const [first, , , last] = other.asked[0]!.request.messages;
    expect(first!.content).toBe(`Answer with a number.\n\nMind:\n- ${rules[0]}`);
    expect(last!.content).toBe(`Q: ${sum(1).prompt}`);
  });

  it("comes back from its file as it was", () => {
    const text = memoryText(memory, { model: "d", weights: null });
    expect(parseMemory(text)).toEqual(memory);
    expect(memoryText(memory, { model: "other", weights: null })).not.toBe(text);
    expect(() => parseMemory("{}")).toThrow();
  });
});
