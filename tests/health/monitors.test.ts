import { describe, expect, it } from "vitest";
import type { Attempt, Evaluation, Example, Outcome, Task } from "../../src/core/entities.js";
import { healthSchema, type MonitorName, type Reading } from "../../src/core/health.js";
import { emptyRound, type RoundRows } from "../../src/core/round.js";
import { type HealthInput, readHealth } from "../../src/health/index.js";
import { comparePaired } from "../../src/stats/index.js";
import { adapterRow, attemptAt, recipeWith, sum, sums, verdictOf } from "../stages/support.js";

const gate = sums(60, "gate");
const train = sums(60);

/** Every task of a suite, answered. */
const evaluations = (
  tasks: readonly Task[],
  answer: (task: Task, n: number) => string,
  outcome: (n: number) => Outcome = () => "ok",
) =>
  tasks.map(
    (task, n): Evaluation => ({
      taskId: task.id,
      callKey: task.id,
      answer: answer(task, n),
      verdict: verdictOf(outcome(n)),
    }),
  );

const example = (task: Task, completion: string, originRound = 1, copy = 0): Example => ({
  id: `example-${task.id}-${copy}`,
  taskId: task.id,
  source: "attempt",
  sourceId: task.id,
  originRound,
  messages: [{ role: "user", content: task.prompt }],
  completion,
});

/** Four attempts at each task. */
const attempts = (
  answer: (task: Task, index: number, n: number) => string,
  outcome: (n: number, index: number) => Outcome,
  truncated: (n: number) => boolean = () => false,
) =>
  train.flatMap((task, n) =>
    [0, 1, 2, 3].map(
      (index): Attempt =>
        attemptAt(task, index, answer(task, index, n), outcome(n, index), truncated(n)),
    ),
  );

interface Given {
  rows?: Partial<RoundRows>;
  round?: number;
  first?: Partial<Record<MonitorName, number>>;
  byReference?: HealthInput["byReference"];
  tasks?: HealthInput["tasks"];
  health?: object;
  curate?: object;
}

function input({ rows, round = 2, first = {}, byReference, tasks, health, curate }: Given) {
  const recipe = recipeWith({ health: health ?? {}, ...(curate ? { curate } : {}) });
  const firstReadings = Object.entries(first).map(
    ([monitor, value]): Reading => ({
      ...{ round: 1, monitor: monitor as MonitorName, value, baseline: null },
      ...{ threshold: 1, fired: false, action: "warn", text: "" },
    }),
  );
  return {
    recipe,
    round,
    first: firstReadings,
    tasks: tasks ?? { train, gate },
    incumbent: null,
    rows: { ...emptyRound, ...rows },
    byReference: byReference ?? new Map(),
  };
}

const readingOf = (name: MonitorName, given: Given): Reading | undefined =>
  readHealth(input(given)).find(({ monitor }) => monitor === name);

const fires = (name: MonitorName, given: Given): boolean => {
  const reading = readingOf(name, given);
  if (reading === undefined) throw new Error(`${name} has no reading`);
  return reading.fired;
};

/** A round in which the candidate answers the gate suite so, and the base weights in whole sentences. */
const answering = (
  answer: (task: Task, n: number) => string,
  base: (task: Task, n: number) => string = (task) =>
    `I think that ${task.prompt.toLowerCase()} The result is ${task.reference}`,
): Given => ({
  rows: {
    candidate: adapterRow("c"),
    evaluations: [
      { suite: "gate", adapter: null, items: evaluations(gate, base) },
      { suite: "gate", adapter: "c", items: evaluations(gate, answer) },
    ],
  },
});

const right = (task: Task) => task.reference as string;

describe("distinct and selfSimilarity", () => {
  const monitors = ["distinct", "selfSimilarity"] as const;

  it("fire when one sentence answers everything, or nothing at all", () => {
    for (const monitor of monitors) {
      expect(
        fires(
          monitor,
          answering(() => "I am not sure about that."),
        ),
      ).toBe(true);
      expect(
        fires(
          monitor,
          answering(() => ""),
        ),
      ).toBe(true);
      // Nine in ten the same is a collapse too.
      const most = (task: Task, n: number) => (n % 10 === 0 ? right(task) : "I am not sure.");
      expect(fires(monitor, answering(most, right))).toBe(true);
    }
  });

  it("stay silent for short lines of one form, and for a sentence with the right number", () => {
    for (const monitor of monitors) {
      expect(fires(monitor, answering(right))).toBe(false);
      expect(
        fires(
          monitor,
          answering((task) => `The answer is ${task.reference}.`),
        ),
      ).toBe(false);
      const line = (task: Task) => `sum | ${task.reference} | done`;
      expect(fires(monitor, answering(line))).toBe(false);
    }
  });

  it("stay silent where the right answers are few", () => {
    const yesNo = gate.map((task, n) => ({ ...task, reference: n % 3 === 0 ? "yes" : "no" }));
    const tasks = { train, gate: yesNo };
    const said = (_: Task, n: number) => yesNo[n]!.reference;
    for (const monitor of monitors) {
      expect(fires(monitor, { ...answering(said), tasks })).toBe(false);
    }
    expect(fires("selfSimilarity", { ...answering(() => "no"), tasks })).toBe(true);
  });

  it("do without references, by the base weights alone", () => {
    const tasks = { train, gate: gate.map((task) => ({ ...task, reference: null })) };
    for (const monitor of monitors) {
      expect(fires(monitor, { ...answering(() => "No."), tasks })).toBe(true);
    }
  });

  it("read large suites by lot, candidate, base weights and references on the same tasks", () => {
    const many = sums(1500, "gate");
    const items = evaluations(many, right);
    const suites = [null, "c"].map((adapter) => ({ suite: "gate" as const, adapter, items }));
    const rows = { candidate: adapterRow("c"), evaluations: suites };
    for (const monitor of monitors) {
      const reading = readingOf(monitor, { rows, tasks: { train, gate: many } })!;
      expect(reading.value).toBe(reading.baseline);
    }
  });

  it("have nothing to read without a candidate", () => {
    const names = readHealth(input({})).map(({ monitor }) => monitor);
    expect(names).toEqual([]);
  });
});

describe("length", () => {
  const listing = (task: Task) =>
    Array.from({ length: 20 }, (_, n) => `It is ${Number(task.reference) - 10 + n}.`).join(" ");

  it("fires when answers list everything, and when they shrink to nothing", () => {
    expect(fires("length", answering(listing))).toBe(true);
    expect(
      fires(
        "length",
        answering(() => "1"),
      ),
    ).toBe(true);
    expect(
      fires(
        "length",
        answering(() => ""),
      ),
    ).toBe(true);
  });

  it("stays silent between the base weights' length and the references'", () => {
    for (const answer of [right, (task: Task) => `The answer is ${task.reference}.`]) {
      expect(fires("length", answering(answer))).toBe(false);
    }
    expect(readingOf("length", answering(right))).toMatchObject({ value: 4, baseline: 4 });
  });

  it("takes its factor from the recipe", () => {
    expect(fires("length", { ...answering(listing), health: { length: { threshold: 50 } } })).toBe(
      false,
    );
  });
});

describe("ungradable", () => {
  const with_ = (candidate: (n: number) => Outcome, base: (n: number) => Outcome): Given => ({
    rows: {
      candidate: adapterRow("c"),
      evaluations: [
        { suite: "gate", adapter: null, items: evaluations(gate, right, base) },
        { suite: "gate", adapter: "c", items: evaluations(gate, right, candidate) },
      ],
    },
  });
  const unreadable = (n: number): Outcome => (n % 2 === 0 ? "ungradable" : "ok");

  it("fires when answers become unreadable, not when they always were", () => {
    expect(
      fires(
        "ungradable",
        with_(unreadable, () => "wrong"),
      ),
    ).toBe(true);
    expect(fires("ungradable", with_(unreadable, unreadable))).toBe(false);
    expect(
      fires(
        "ungradable",
        with_(() => "ok", unreadable),
      ),
    ).toBe(false);
  });
});

describe("entropy", () => {
  const wrong = () => "wrong" as const;
  const first = { entropy: 0.7 };

  it("fires when every try at an unsolved task says the same", () => {
    const rows = { attempts: attempts(() => "I am not sure.", wrong) };
    expect(fires("entropy", { rows, first })).toBe(true);
  });

  it("stays silent when tries differ, and in the first round", () => {
    const differ = { attempts: attempts((_, index, n) => `${n + index}`, wrong) };
    expect(fires("entropy", { rows: differ, first })).toBe(false);
    const same = { attempts: attempts(() => "I am not sure.", wrong) };
    expect(readingOf("entropy", { rows: same })).toMatchObject({
      value: 0,
      baseline: null,
      fired: false,
    });
  });

  it("does not hold against a model that it is sure of what it knows", () => {
    const sure = attempts(
      (task, index, n) => (n < 45 ? right(task) : `${n + index}`),
      (n) => (n < 45 ? "ok" : "wrong"),
    );
    expect(fires("entropy", { rows: { attempts: sure }, first })).toBe(false);
    const nearlyAll = attempts(right, (n) => (n < 55 ? "ok" : "wrong"));
    expect(readingOf("entropy", { rows: { attempts: nearlyAll }, first })).toBeUndefined();
  });
});

describe("truncated", () => {
  const cut = (share: number): Given => ({
    rows: {
      attempts: attempts(
        right,
        () => "ok",
        (n) => n < share * train.length,
      ),
    },
    first: { truncated: 0.1 },
  });

  it("fires when many more answers are cut off than at first", () => {
    expect(fires("truncated", cut(0.5))).toBe(true);
    expect(fires("truncated", cut(0.2))).toBe(false);
    expect(fires("truncated", { ...cut(0.5), first: { truncated: 0.45 } })).toBe(false);
  });
});

describe("judge", () => {
  const said = attempts(right, () => "ok");
  const checked = (outcome: (n: number) => Outcome) =>
    new Map(said.map(({ id }, n) => [id, outcome(n)]));
  const rows = { attempts: said };

  it("fires when a majority grows surer and wronger", () => {
    const half = checked((n) => (n % 2 === 0 ? "wrong" : "ok"));
    expect(fires("judge", { rows, byReference: half, first: { judge: 0.1 } })).toBe(true);
    expect(fires("judge", { rows, byReference: half, first: { judge: 0.45 } })).toBe(false);
  });

  it("is absent, not 0, where there is no pair of verdicts", () => {
    expect(readingOf("judge", { rows })).toBeUndefined();
    const unreadable = checked(() => "ungradable");
    expect(readingOf("judge", { rows, byReference: unreadable })).toBeUndefined();
  });
});

describe("fresh", () => {
  const examples = (newOnes: number) => ({
    rows: {
      examples: train.map((task, n) => example(task, right(task), n < newOnes ? 2 : 1)),
    },
  });

  it("fires when nearly all examples are old ones", () => {
    expect(fires("fresh", examples(3))).toBe(true);
    expect(fires("fresh", examples(30))).toBe(false);
  });

  it("expects less of later rounds, and everything without carry-over", () => {
    const late = train.map((task, n) => example(task, right(task), n < 3 ? 9 : 1));
    expect(fires("fresh", { rows: { examples: late }, round: 9 })).toBe(false);
    expect(fires("fresh", { ...examples(10), curate: { carryOver: false } })).toBe(true);
  });
});

describe("duplicates", () => {
  it("fires when one answer is learned for many tasks", () => {
    const same = train.map((task) => example(task, "It depends on many things, I would say."));
    expect(fires("duplicates", { rows: { examples: same } })).toBe(true);
  });

  it("stays silent when answers differ, or when the references repeat as often", () => {
    const all = train.map((task) => example(task, `The answer is ${task.reference}.`));
    expect(fires("duplicates", { rows: { examples: all } })).toBe(false);
    const yes = train.map((task) => ({ ...task, reference: "yes" }));
    const said = yes.map((task) => example(task, "yes"));
    expect(fires("duplicates", { rows: { examples: said }, tasks: { train: yes, gate } })).toBe(
      false,
    );
  });

  it("does not count several answers to one task, nor rehearsal", () => {
    const twice = train.flatMap((task) =>
      [0, 1].map((copy) => example(task, `The sum is ${task.reference}`, 1, copy)),
    );
    const rehearsed = train.map(
      (task): Example => ({ ...example(task, "Oslo"), source: "replay" }),
    );
    expect(readingOf("duplicates", { rows: { examples: [...twice, ...rehearsed] } })?.value).toBe(
      0,
    );
  });

  it("without references holds a round against the first", () => {
    const tasks = { train: train.map((task) => ({ ...task, reference: null })), gate };
    const same = train.map((task) => example(task, "It depends."));
    const given = { rows: { examples: same }, tasks };
    expect(fires("duplicates", { ...given, first: { duplicates: 0.1 } })).toBe(true);
    expect(fires("duplicates", { ...given, first: { duplicates: 0.9 } })).toBe(false);
    expect(fires("duplicates", given)).toBe(false);
  });
});

describe("retention", () => {
  const suite = Array.from({ length: 40 }, (_, n) => sum(n, "retention"));
  const decided = (kept: number): Given => {
    const before = evaluations(suite, right);
    const after = evaluations(suite, right, (n) => (n < kept ? "ok" : "wrong"));
    const retention = comparePaired(before, after, 0.95);
    return {
      rows: { decision: { outcome: "rejected", reason: "", gate: null, retention, alpha: 0.05 } },
    };
  };

  it("fires when the candidate forgets", () => {
    expect(fires("retention", decided(30))).toBe(true);
    expect(fires("retention", decided(37))).toBe(false);
    expect(readingOf("retention", {})).toBeUndefined();
  });
});

describe("retention with several suites", () => {
  const suite = Array.from({ length: 40 }, (_, n) => sum(n, "retention"));
  const kept = (count: number) => {
    const after = evaluations(suite, right, (n) => (n < count ? "ok" : "wrong"));
    return comparePaired(evaluations(suite, right), after, 0.95);
  };

  it("reads the one that lost most, and says which it is", () => {
    const retentionSuites = [
      { name: "facts", margin: 0.5, comparison: kept(38) },
      { name: "code", margin: 0.5, comparison: kept(30) },
    ];
    const decision = { outcome: "rejected", reason: "", gate: null, retention: null } as const;
    const given: Given = { rows: { decision: { ...decision, retentionSuites, alpha: 0.05 } } };
    expect(fires("retention", given)).toBe(true);
    expect(readingOf("retention", given)).toMatchObject({ value: 0.25 });
    expect(readingOf("retention", given)!.text).toContain("75.0% of the retention suite code");
  });
});

describe("gap", () => {
  const learned = (inTraining: number, held: number): Given => ({
    rows: {
      attempts: attempts(right, (n) => (n < inTraining * train.length ? "ok" : "wrong")),
      evaluations: [
        {
          suite: "gate",
          adapter: null,
          items: evaluations(gate, right, (n) => (n < held * gate.length ? "ok" : "wrong")),
        },
      ],
    },
    first: { gap: 0.3 },
  });

  it("fires when training tasks come right and held-out ones do not", () => {
    expect(fires("gap", learned(0.9, 0.2))).toBe(true);
    expect(fires("gap", learned(0.9, 0.8))).toBe(false);
    // What solved examples in view are worth was there at first.
    expect(fires("gap", learned(0.4, 0))).toBe(false);
  });

  it("goes by the reference where a majority gave the verdicts", () => {
    const given = learned(0.9, 0.2);
    const truth = new Map(given.rows!.attempts!.map(({ id }) => [id, "wrong" as const]));
    expect(fires("gap", { ...given, byReference: truth })).toBe(false);
  });
});

describe("settings", () => {
  const collapsed = answering(() => "No.");

  it("turn a monitor off, and give its action", () => {
    const off = { ...collapsed, health: { distinct: { action: "off" } } };
    expect(readingOf("distinct", off)).toBeUndefined();
    const stop = { ...collapsed, health: { distinct: { action: "stop" } } };
    expect(readingOf("distinct", stop)).toMatchObject({ fired: true, action: "stop" });
  });

  it("only warn by default", () => {
    const actions = Object.values(healthSchema.parse({})).map(({ action }) => action);
    expect(new Set(actions)).toEqual(new Set(["warn"]));
  });

  it("give the same readings for the same rows", () => {
    expect(readHealth(input(collapsed))).toEqual(readHealth(input(collapsed)));
  });
});
