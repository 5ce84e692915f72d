import { describe, expect, it } from "vitest";
import type { Attempt, Example, Revision } from "../../src/core/entities.js";
import { curate } from "../../src/stages/curate.js";
import { attemptsAt, inputWith, portsWith, recipeWith, sum } from "./support.js";

const [first, second, third] = [sum(1), sum(2), sum(3)];

const revisionOf = (attempt: Attempt, answer: string): Revision => ({
  ...attempt,
  id: `revision-${attempt.id}`,
  attemptId: attempt.id,
  critiqueId: null,
  answer,
  verdict: { ...attempt.verdict, outcome: "ok", score: 1 },
});

const earlier = (task: { id: string }, originRound: number, completion: string): Example => ({
  id: `example-${task.id}-${originRound}-${completion}`,
  taskId: task.id,
  source: "attempt",
  sourceId: `${task.id} of round ${originRound}`,
  originRound,
  messages: [{ role: "user", content: "as it was" }],
  completion,
});

async function curated(
  settings: Record<string, unknown>,
  changes: Parameters<typeof inputWith>[0],
) {
  const recipe = recipeWith({ curate: settings });
  const { rows, summary } = await curate(inputWith({ recipe, round: 3, ...changes }), portsWith());
  return {
    examples: rows.examples!,
    answers: rows.examples!.map(({ completion }) => completion),
    refused: rows.refusals!.map(({ sourceId, reason }) => `${sourceId}: ${reason}`),
    refusals: rows.refusals!,
    summary,
  };
}

describe("curate", () => {
  it("takes right attempts and revisions, as the student is asked at test time", async () => {
    const attempts = [
      ...attemptsAt(first, ["a ok", "b wrong", "c ungradable"]),
      ...attemptsAt(second, ["d wrong"]),
    ];
    const revisions = [revisionOf(attempts[3]!, "mended")];
    const { examples, refusals, summary } = await curated({}, { rows: { attempts, revisions } });
    const asked = (prompt: string) => [
      { role: "system", content: "Answer with a number." },
      { role: "user", content: `Q: ${prompt}` },
    ];
    expect(examples).toMatchObject([
      { source: "attempt", completion: "a", originRound: 3, messages: asked(first.prompt) },
      { source: "revision", completion: "mended", messages: asked(second.prompt) },
    ]);
    expect(examples.map(({ sourceId }) => sourceId)).toEqual([attempts[0]!.id, revisions[0]!.id]);
    expect(refusals).toEqual([]);
    expect(summary).toMatchObject({ examples: 2, "from attempts": 1, "from revisions": 1 });
  });

  it("does not learn exemplars' turns: a student has none", async () => {
    const recipe = recipeWith({ teacher: { exemplars: 2 } });
    const attempts = attemptsAt(third, ["a ok"]);
    const { rows } = await curate(inputWith({ recipe, rows: { attempts } }), portsWith());
    expect(rows.examples![0]!.messages).toHaveLength(2);
  });

  it("refuses right answers that were cut off, with the reason", async () => {
    const attempts = attemptsAt(first, ["a ok cut", "longer ok"]);
    const cut = { ...revisionOf(attempts[1]!, "r"), truncated: true };
    const { answers, refused } = await curated({}, { rows: { attempts, revisions: [cut] } });
    expect(answers).toEqual(["longer"]);
    expect(refused).toEqual([
      `${attempts[0]!.id}: cut off at maxTokens`,
      `${cut.id}: cut off at maxTokens`,
    ]);
  });

  it("refuses the same answer again, however it is spaced or composed", async () => {
    const attempts = attemptsAt(first, ["é ok", "x ok", "y ok"]);
    const same = [
      attempts[0]!,
      { ...attempts[1]!, answer: "  e\u0301\n" },
      { ...attempts[2]!, answer: "other" },
    ];
    const { answers, refused } = await curated({ perTask: 5 }, { rows: { attempts: same } });
    expect(answers).toEqual(["é", "other"]);
    expect(refused).toEqual([`${attempts[1]!.id}: the same answer again`]);
  });

  it("keeps perTask answers of each task, so that easy tasks do not crowd out hard ones", async () => {
    const attempts = [
      ...attemptsAt(first, ["aa ok", "bb ok", "cc ok", "dd ok"]),
      ...attemptsAt(second, ["ee ok"]),
    ];
    const { answers, refused } = await curated({ perTask: 2 }, { rows: { attempts } });
    expect(answers).toEqual(["aa", "bb", "ee"]);
    expect(refused).toEqual([2, 3].map((n) => `${attempts[n]!.id}: the task has enough answers`));
  });

  it("prefers the shortest answers, or the most different ones", async () => {
    const texts = ["the sum is 7", "the sum is: 7", "seven apples in all, counted twice"];
    const attempts = attemptsAt(first, ["a ok", "b ok", "c ok"]).map((attempt, n) => ({
      ...attempt,
      answer: texts.toReversed()[n]!,
    }));
    const rows = { attempts };
    expect((await curated({ perTask: 2 }, { rows })).answers).toEqual([texts[0], texts[1]]);
    const diverse = await curated({ perTask: 2, order: "diverse" }, { rows });
    expect(diverse.answers).toEqual([texts[0], texts[2]]);
    expect((await curated({ perTask: 3, order: "diverse" }, { rows })).answers).toHaveLength(3);
  });

  it("keeps the newest examples when there are more than the maximum", async () => {
    const attempts = attemptsAt(third, ["new ok"]);
    const earlierExamples = [earlier(first, 1, "oldest"), earlier(second, 2, "older")];
    const changes = { rows: { attempts }, earlierExamples };
    const { answers, refused } = await curated({ maximum: 2 }, changes);
    expect(answers).toEqual(["older", "new"]);
    expect(refused).toEqual([`${earlierExamples[0]!.sourceId}: over curate.maximum`]);
    expect((await curated({ maximum: 0 }, changes)).answers).toEqual(["oldest", "older", "new"]);
  });

  it("carries earlier examples over as they were, or not at all", async () => {
    const attempts = attemptsAt(first, ["new ok"]);
    const replayed: Example = { ...earlier({ id: "replay-1" }, 0, "hello"), source: "replay" };
    const earlierExamples = [earlier(second, 1, "old"), replayed];
    const changes = { rows: { attempts }, earlierExamples };
    const on = await curated({}, changes);
    expect(on.examples[0]).toEqual(earlierExamples[0]);
    expect(on.answers).toEqual(["old", "new"]);
    expect(on.summary).toMatchObject({ examples: 2, "carried over": 1 });
    const off = await curated({ carryOver: false }, changes);
    expect(off.answers).toEqual(["new"]);
    expect(off.summary["carried over"]).toBe(0);
  });

  it("counts what was carried over towards perTask and as the same answer", async () => {
    const attempts = attemptsAt(first, ["old ok", "longer ok"]);
    const earlierExamples = [earlier(first, 1, "old")];
    const { examples, refused } = await curated({}, { rows: { attempts }, earlierExamples });
    expect(examples).toEqual(earlierExamples);
    expect(refused).toEqual([
      `${attempts[0]!.id}: the same answer again`,
      `${attempts[1]!.id}: the task has enough answers`,
    ]);
  });

  it("gives the same set, ids and all, for the same round", async () => {
    const attempts = [...attemptsAt(first, ["a ok", "bb ok"]), ...attemptsAt(second, ["c ok"])];
    const changes = { rows: { attempts }, earlierExamples: [earlier(third, 1, "old")] };
    const settings = { order: "diverse", perTask: 2 };
    const [one, other] = [await curated(settings, changes), await curated(settings, changes)];
    expect(one).toEqual(other);
    expect(new Set(one.examples.map(({ id }) => id)).size).toBe(4);
  });
});
