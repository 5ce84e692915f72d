import { describe, expect, it } from "vitest";
import type { Attempt, Example, Lesson, Outcome, Revision } from "../../src/core/entities.js";
import { RedistillError } from "../../src/core/errors.js";
import { retrainSchema, type WeightSettings } from "../../src/core/retrain.js";
import { trainingSettings } from "../../src/core/training-settings.js";
import { curate } from "../../src/stages/curate.js";
import { retrain } from "../../src/stages/retrain.js";
import {
  attemptsAt,
  inputWith,
  portsWith,
  promptOf,
  recipeWith,
  sum,
  verdictOf,
} from "./support.js";

const [first, second, third] = [sum(1), sum(2), sum(3)];

const revisionOf = (attempt: Attempt, answer: string, outcome: Outcome = "ok"): Revision => ({
  ...attempt,
  id: `revision-${attempt.id}-${answer}`,
  attemptId: attempt.id,
  critiqueId: null,
  answer,
  verdict: verdictOf(outcome),
});

async function curated(
  retrainSettings: Record<string, unknown>,
  rows: { attempts: Attempt[]; revisions?: Revision[] },
  changes: Parameters<typeof inputWith>[0] = {},
) {
  const recipe = recipeWith({ retrain: retrainSettings, curate: { perTask: 4 } });
  const input = inputWith({ recipe, round: 3, rows, ...changes });
  const { rows: made } = await curate(input, portsWith());
  return { examples: made.examples!, refusals: made.refusals! };
}

const lessonsOf = (examples: readonly Example[]) =>
  examples.map(({ completion, lesson }) => [completion, lesson] as const);

describe("pairs (dpo, orpo)", () => {
  it("prefer a revision to its draft, and other right answers to the task's wrong ones", async () => {
    const attempts = [
      ...attemptsAt(first, ["good ok", "bad wrong", "worse wrong", "odd ungradable"]),
      ...attemptsAt(second, ["right ok"]),
      ...attemptsAt(third, ["lost wrong"]),
    ];
    const revisions = [revisionOf(attempts[2]!, "mended"), revisionOf(attempts[1]!, "no", "wrong")];
    const { examples } = await curated({ method: "dpo" }, { attempts, revisions });
    const rejected = (answer: string, sourceId: string, source = "attempt") => ({
      kind: "pair",
      rejected: { source, sourceId, answer },
    });
    expect(lessonsOf(examples)).toEqual([
      ["good", rejected("bad", attempts[1]!.id)],
      ["mended", rejected("worse", attempts[2]!.id)],
    ]);
    expect(examples[1]).toMatchObject({ source: "revision", originRound: 3 });
    const orpo = await curated({ method: "orpo" }, { attempts, revisions });
    expect(orpo.examples).toEqual(examples);
  });

  it("leave out what was cut off on either side", async () => {
    const attempts = attemptsAt(first, ["good ok cut", "fine ok", "bad wrong cut"]);
    const { examples, refusals } = await curated({ method: "dpo" }, { attempts });
    expect(examples).toEqual([]);
    expect(refusals.map(({ reason }) => reason)).toEqual(["cut off at maxTokens"]);
  });
});

describe("labels (kto)", () => {
  it("are the verdicts; ungradable is not wrong", async () => {
    const attempts = attemptsAt(first, [
      ...["good ok", "bad wrong", "odd ungradable", "bad wrong", "long wrong cut"],
    ]);
    const { examples } = await curated({ method: "kto" }, { attempts });
    expect(lessonsOf(examples)).toEqual([
      ["good", { kind: "label", right: true }],
      ["bad", { kind: "label", right: false }],
    ]);
  });

  it("of one kind do not use up the other's share of a task", async () => {
    const wrong = ["a wrong", "b wrong", "c wrong"];
    const recipe = recipeWith({ retrain: { method: "kto" }, curate: { perTask: 1 } });
    const attempts = attemptsAt(first, [...wrong, "good ok", "better ok"]);
    const { examples } = await curated({}, { attempts }, { recipe });
    expect(examples.map(({ completion }) => completion).sort()).toEqual(["a", "good"]);
  });
});

describe("rankings (rrhf)", () => {
  it("have the distinct answers to a task by score, the shortest right one first", async () => {
    const attempts = [
      ...attemptsAt(first, ["longer ok", "good ok", "bad wrong", "bad wrong", "odd ungradable"]),
      ...attemptsAt(second, ["x ok", "y ok"]),
      ...attemptsAt(third, ["z wrong", "w wrong"]),
    ];
    const half = {
      ...attempts[2]!,
      id: "half",
      answer: "half",
      verdict: { ...verdictOf("wrong"), score: 0.5 },
    };
    const { examples } = await curated({ method: "rrhf" }, { attempts: [...attempts, half] });
    expect(lessonsOf(examples)).toEqual([
      [
        "good",
        {
          kind: "ranking",
          score: 1,
          others: [
            { source: "attempt", sourceId: attempts[0]!.id, answer: "longer", score: 1 },
            { source: "attempt", sourceId: "half", answer: "half", score: 0.5 },
            { source: "attempt", sourceId: attempts[2]!.id, answer: "bad", score: 0 },
          ],
        },
      ],
    ]);
  });
});

describe("weights (sft by hardness)", () => {
  it("are the share of a task's attempts that failed, and never nothing", async () => {
    const attempts = [
      ...attemptsAt(first, ["a ok", "b wrong", "c wrong", "d ungradable"]),
      ...attemptsAt(second, ["e ok", "e ok", "e ok", "e ok"]),
    ];
    const { examples } = await curated({ weighting: "hardness" }, { attempts });
    expect(lessonsOf(examples)).toEqual([
      ["a", { kind: "weighted", weight: 0.75 }],
      ["e", { kind: "weighted", weight: 0.25 }],
    ]);
    expect((await curated({}, { attempts })).examples[0]).not.toHaveProperty("lesson");
  });
});

describe("views (sdft, gkd)", () => {
  const prompts = { refine: promptOf("refine", "Again: {{task}} not {{answer}}") };
  const exemplars = { exemplars: 1 };
  const attempts = [
    ...attemptsAt(second, ["right ok", "x wrong"]),
    ...attemptsAt(third, ["y wrong"]),
  ];
  const revisions = [
    revisionOf(attempts[2]!, "mended"),
    revisionOf(attempts[2]!, "still", "wrong"),
  ];
  const elicited = [second.id, third.id];
  const viewsOf = async (settings: Record<string, unknown>) => {
    const recipe = recipeWith({
      retrain: settings,
      teacher: exemplars,
      refine: { prompt: "refine" },
    });
    const rows = { attempts, revisions, elicited };
    const { rows: made } = await curate(inputWith({ recipe, rows, prompts }), portsWith());
    return made.examples!.map(({ completion, lesson, messages }) => {
      expect(lesson?.kind).toBe("view");
      const shown = lesson?.kind === "view" ? lesson.messages : [];
      return {
        completion,
        asked: messages.length,
        shown: shown.length,
        last: shown.at(-1)!.content,
      };
    });
  };

  it("of attempts are the teacher's exemplars, for tasks that they helped to solve", async () => {
    const seen = [{ completion: "right", asked: 2, shown: 4, last: `Q: ${second.prompt}` }];
    expect(await viewsOf({ method: "sdft" })).toEqual(seen);
    expect(await viewsOf({ method: "gkd" })).toEqual(seen);
  });

  it("of revisions are what was asked there: every draft for sdft, right revisions for gkd", async () => {
    const last = `Again: ${third.prompt} not y`;
    const view = { asked: 2, shown: 4, last };
    const draft = { ...view, completion: "y" };
    expect(await viewsOf({ method: "sdft", view: "revision" })).toEqual([draft]);
    expect(await viewsOf({ method: "gkd", view: "revision" })).toEqual([
      { ...view, completion: "mended" },
    ]);
  });
});

describe("practice (grpo)", () => {
  it("has tasks solved now and then first, never those solved always or not gradable", async () => {
    const attempts = [
      ...attemptsAt(first, ["a wrong", "b wrong"]),
      ...attemptsAt(second, ["c ok", "d ok"]),
      ...attemptsAt(third, ["e wrong", "f ok"]),
      ...attemptsAt(sum(4), ["g ungradable"]),
    ];
    const { examples } = await curated({ method: "grpo" }, { attempts });
    expect(examples.map(({ taskId }) => taskId)).toEqual([third.id, first.id]);
  });
});

describe("every method", () => {
  const methods = ["dpo", "orpo", "kto", "rrhf", "grpo"];
  it.each(methods)("refuses what resembles a held-out task: %s", async (method) => {
    const attempts = attemptsAt(first, ["good ok", "bad wrong"]);
    const twin = { ...first, id: "gate-twin", split: "gate" as const };
    const tasks = { gate: [twin] };
    const { examples, refusals } = await curated({ method }, { attempts }, { tasks });
    expect(examples).toEqual([]);
    expect(refusals[0]!.reason).toMatch(/resembles held-out task gate-twin/);
  });

  it("carries earlier lessons over, and tells a pair from the same answer in another", async () => {
    const attempts = attemptsAt(first, ["good ok", "bad wrong"]);
    const made = (await curated({ method: "dpo" }, { attempts })).examples;
    const others = attemptsAt(second, ["right ok", "bad wrong"]);
    const rows = { attempts: others };
    const next = await curated({ method: "dpo" }, rows, { earlierExamples: made, round: 4 });
    expect(next.examples.map(({ originRound }) => originRound)).toEqual([3, 4]);
  });
});

describe("a job", () => {
  const example = (n: number, lesson?: Lesson): Example => ({
    id: `${n}`,
    taskId: `train-${n}`,
    source: lesson ? "attempt" : "replay",
    sourceId: `${n}`,
    originRound: 1,
    messages: [{ role: "user", content: `q${n}` }],
    completion: `a${n}`,
    ...(lesson ? { lesson } : {}),
  });
  const jobOf = async (method: string, lessons: (Lesson | undefined)[]) => {
    const ports = portsWith();
    const recipe = recipeWith({ retrain: { method }, curate: { minimum: 2 } });
    const examples = lessons.map((lesson, n) => example(n, lesson));
    const { rows } = await retrain(inputWith({ recipe, rows: { examples } }), ports);
    return { job: ports.jobs[0], reason: rows.noCandidate };
  };
  const rejected = { source: "attempt", sourceId: "r", answer: "no" } as const;

  it("has each method's form, its own settings apart, and rehearsal as it is", async () => {
    const pair: Lesson = { kind: "pair", rejected };
    const { job } = await jobOf("dpo", [pair, pair, undefined]);
    expect(job).toMatchObject({ method: "dpo", options: { beta: 0.1, sftWeight: 1 } });
    expect(Object.keys(job!.settings)).toEqual([
      ...["rank", "alpha", "epochs", "learningRate", "tokensPerStep", "warmupRatio"],
    ]);
    expect(job!.examples[0]).toEqual({ prompt: "<user>q0", chosen: "a0", rejected: "no" });
    expect(job!.examples[2]).toEqual({ prompt: "<user>q2", completion: "a2" });
    const ranking: Lesson = { kind: "ranking", score: 1, others: [{ ...rejected, score: 0.5 }] };
    expect((await jobOf("rrhf", [ranking, ranking])).job!.examples[0]).toEqual({
      prompt: "<user>q0",
      completions: ["a0", "no"],
      rewards: [1, 0.5],
    });
    const view: Lesson = { kind: "view", messages: [{ role: "user", content: "seen" }] };
    const seen = { prompt: "<user>q0", teacherPrompt: "<user>seen" };
    expect((await jobOf("sdft", [view, view])).job!.examples[0]).toEqual(seen);
    expect((await jobOf("sdft", [view, view])).job!.options).not.toHaveProperty("view");
    const gkd = (await jobOf("gkd", [view, view])).job!;
    expect(gkd.examples[0]).toEqual({ ...seen, completion: "a0" });
    const practised = (await jobOf("grpo", [{ kind: "practice" }, { kind: "practice" }])).job!;
    expect(practised.examples[0]).toMatchObject({ task: { id: "train-0" } });
    const weighted: Lesson = { kind: "weighted", weight: 0.5 };
    const sft = (await jobOf("sft", [weighted, weighted])).job!;
    expect(sft.examples[0]).toMatchObject({ weight: 0.5 });
    expect(sft.options).toEqual({});
  });

  it("is not made from too little, nor from labels of one kind; the reason says which", async () => {
    const right: Lesson = { kind: "label", right: true };
    const wrong: Lesson = { kind: "label", right: false };
    expect((await jobOf("kto", [right, right])).reason).toMatch(/all 2 labels are right/);
    expect((await jobOf("kto", [wrong, wrong])).reason).toMatch(/all 2 labels are wrong/);
    expect((await jobOf("dpo", [undefined, undefined])).reason).toBe("0 pairs, 2 needed");
    expect((await jobOf("kto", [right, wrong])).job!.examples).toEqual([
      { prompt: "<user>q0", completion: "a0", label: true },
      { prompt: "<user>q1", completion: "a1", label: false },
    ]);
  });
});

describe("distributions (distill)", () => {
  it("are right answers with the call that has their probabilities", async () => {
    const attempts = attemptsAt(first, ["good ok", "bad wrong", "long ok cut"]);
    const { examples } = await curated({ method: "distill" }, { attempts });
    expect(lessonsOf(examples)).toEqual([
      ["good", { kind: "distribution", callKey: attempts[0]!.callKey }],
    ]);
  });

  it("refuse an answer that came without", async () => {
    const recipe = recipeWith({ retrain: { method: "distill" }, curate: { minimum: 1 } });
    const attempts = attemptsAt(first, ["good ok"]);
    const input = inputWith({ recipe, rows: { attempts } });
    const { rows } = await curate(input, portsWith());
    const training = retrain({ ...input, rows: { ...input.rows, ...rows } }, portsWith());
    await expect(training).rejects.toThrow(/no log-probabilities with the answer "good"/);
  });
});

describe("feedback (sdpo)", () => {
  const prompts = {
    solution: promptOf("solution", "{{task}} Correct: {{solution}}"),
    feedback: promptOf("feedback", "{{task}} You said {{answer}}: {{finding}}"),
  };

  it("is what the round has of a task, and the teacher's prompts as the engine renders them", async () => {
    const attempts = [
      ...attemptsAt(first, ["longer ok", "good ok", "bad wrong"]),
      ...attemptsAt(second, ["x ok", "x ok"]),
      ...attemptsAt(third, ["lost wrong"]),
    ];
    const unread = { says: null, confidence: null };
    const lost = { ...attempts.at(-1)!, attemptId: attempts.at(-1)!.id, promptHash: "" };
    const recipe = recipeWith({ retrain: { method: "sdpo" }, curate: { minimum: 2, perTask: 4 } });
    const critiques = [{ ...lost, id: "critique", text: "The sum is off.", ...unread }];
    const input = inputWith({ recipe, prompts, rows: { attempts, critiques } });
    const { rows } = await curate(input, portsWith());
    expect(rows.examples!.map(({ taskId, lesson }) => [taskId, lesson])).toEqual([
      [first.id, { kind: "feedback", solution: "good", critiques: [] }],
      [third.id, { kind: "feedback", solution: null, critiques: [["lost", "The sum is off."]] }],
    ]);
    const ports = portsWith();
    await retrain({ ...input, rows: { ...input.rows, ...rows } }, ports);
    const system = "<system>Answer with a number.<user>";
    expect(ports.jobs[0]).toMatchObject({ method: "sdpo" });
    expect(ports.jobs[0]!.options).not.toHaveProperty("solution");
    expect(ports.jobs[0]!.examples[1]).toEqual({
      prompt: `${system}Q: ${third.prompt}`,
      task: third,
      solution: null,
      critiques: [["lost", "The sum is off."]],
      solved: [`${system}${third.prompt} Correct: `, "solution", ""],
      told: [`${system}${third.prompt} You said `, "answer", ": ", "finding", ""],
    });
  });
});

describe("grpo with a reward model", () => {
  const rewarded = { method: "grpo", reward: "mix", modelShare: 0.25 };

  it("practises on tasks and learns from pairs, neither in the place of the other", async () => {
    const attempts = [
      ...attemptsAt(first, ["good ok", "bad wrong"]),
      ...attemptsAt(second, ["lost wrong"]),
    ];
    const recipe = recipeWith({ retrain: rewarded, curate: { minimum: 2, perTask: 1 } });
    const input = inputWith({ recipe, rows: { attempts } });
    const { rows } = await curate(input, portsWith());
    expect(rows.examples!.map(({ taskId, lesson }) => [taskId, lesson!.kind])).toEqual([
      [first.id, "practice"],
      [second.id, "practice"],
      [first.id, "pair"],
    ]);
    const ports = portsWith();
    await retrain({ ...input, rows: { ...input.rows, ...rows } }, ports);
    const [job] = ports.jobs;
    expect(job).toMatchObject({ method: "rlaif", options: { modelShare: 0.25, rewardEpochs: 3 } });
    expect(job!.options).not.toHaveProperty("reward");
  });

  it("is skipped without pairs, and where the reward model turns out weak", async () => {
    const recipe = recipeWith({ retrain: rewarded, curate: { minimum: 1 } });
    const candidate = async (answers: string[], ports = portsWith()) => {
      const input = inputWith({ recipe, rows: { attempts: attemptsAt(first, answers) } });
      const { rows } = await curate(input, portsWith());
      return (await retrain({ ...input, rows: { ...input.rows, ...rows } }, ports)).rows;
    };
    expect(await candidate(["bad wrong"])).toEqual({
      noCandidate: "1 tasks to practise and 0 pairs; grpo with a reward model needs both",
    });
    const weak = portsWith(undefined, () =>
      Promise.reject(
        Object.assign(new RedistillError("training", "3 of 6 pairs", ""), { fault: "weak_reward" }),
      ),
    );
    expect(await candidate(["good ok", "bad wrong"], weak)).toEqual({
      noCandidate: "training failed (weak_reward): 3 of 6 pairs",
    });
  });

  it("leaves the jobs of plain grpo as they were", () => {
    const settingsOf = (retrain: object) =>
      trainingSettings(retrainSchema.parse(retrain) as WeightSettings);
    const { method, options, settings } = settingsOf({ method: "grpo" });
    const own = { completions: 8, beta: 0, scale: "group", maxTokens: 32, temperature: 1 };
    expect([method, options]).toEqual(["grpo", own]);
    expect(settings).not.toHaveProperty("device");
    expect(settingsOf({ method: "sft", device: "cuda" }).settings).toHaveProperty("device", "cuda");
  });
});
