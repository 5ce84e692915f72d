import { beforeAll, describe, expect, it } from "vitest";
import { budgetSchema } from "../../src/core/budget.js";
import { modelSchema } from "../../src/core/model.js";
import { stages } from "../../src/stages/index.js";
import { digestOf } from "../support/digest.js";
import { failpoints } from "../support/failpoints.js";
import type { ChildOptions } from "../support/scripted-child.js";
import { sumsFile } from "../support/scripted-run.js";
import {
  ask,
  databaseOf,
  expectSame,
  folder,
  random,
  requestsSent,
  sampled,
  work,
} from "./harness.js";

const tasks = folder();

/** Requests that a run has under way at most: the recipe's `model.sequences`, as it is by default. */
const sideBySide = modelSchema.parse({}).sequences;

const tonight = budgetSchema.parse({ night: { minutes: 600 } });

interface Conditions {
  /** Until the last start. */
  readonly first?: ChildOptions;
  /** At every start, also of the run that nobody kills. */
  readonly always?: ChildOptions;
}

/** What a run has to meet so that it passes a point at all; `prompt` is one that every run asks. */
function conditions(point: string, prompt: string): Conditions {
  if (point.startsWith("run:settings:")) return { first: { settings: { budget: tonight } } };
  // In the middle of a stage: between two of them the stage's own commit has written what was spent.
  if (/^(run:end|spend):/.test(point)) return { first: { abortAt: 36 } };
  if (/^ask:(restart|forgive):/.test(point))
    return { first: { crash: { match: prompt, times: 1 } } };
  if (point.startsWith("ask:notice:")) return { first: { notice: true } };
  if (point.startsWith("ask:clear:")) return { first: { crash: { match: "" } } };
  if (point.startsWith("ask:give-up:")) return { always: { crash: { match: prompt } } };
  if (point.startsWith("train:failed:")) return { always: { memory: 256 } };
  if (point === "memory:written") return { always: { remembers: "too" } };
  if (point.startsWith("observe:")) return { always: { coach: true } };
  if (point.startsWith("vectors:")) return { always: { longTerm: "embedding" } };
  return {};
}

/** Calls are many: the first time in the middle of them. Most points are passed once in a round. */
const passes = (point: string) => (point.startsWith("call:") ? [57, 31] : [1, 1]);

describe("a run that is killed with SIGKILL", () => {
  const undisturbed = folder();
  let [paid, prompt] = [0, ""];
  let expected: Record<string, string> = {};
  beforeAll(() => {
    sumsFile(tasks, 160);
    paid = work(undisturbed, tasks).paid;
    expected = digestOf(databaseOf(undisturbed));
    prompt = `${ask(undisturbed, "SELECT prompt FROM tasks WHERE split = 'gate' LIMIT 1")}`;
  });

  const calmly = new Map<string, typeof expected>();
  /** What comes of a run under these conditions when nobody kills it. */
  function calm(always: ChildOptions | undefined): typeof expected {
    if (always === undefined) return expected;
    const key = JSON.stringify(always);
    const known = calmly.get(key);
    if (known !== undefined) return known;
    const where = folder();
    expect(work(where, tasks, always).status).toBe(0);
    const digest = digestOf(databaseOf(where));
    calmly.set(key, digest);
    return digest;
  }

  it("has failpoints around every commit", () => {
    for (const point of ["call", "run:create", "lease:take", "finish", "migration:2"]) {
      expect(failpoints()).toContain(`${point}:before`);
      expect(failpoints()).toContain(`${point}:after`);
    }
    expect(failpoints().filter((name) => name.startsWith("stage:"))).toHaveLength(
      2 * stages.length,
    );
    expect(paid).toBeGreaterThan(100);
    expect(requestsSent(undisturbed)).toBe(paid);
  });

  it.each(sampled(failpoints(), 8))("at %s, twice, ends with the same rows", (point) => {
    const where = folder();
    const [first, second] = passes(point);
    const { first: disturbed, always } = conditions(point, prompt);
    const options = { ...disturbed, ...always };
    const killed = work(where, tasks, { ...options, failpoint: `${point}@${first}` });
    expect(killed.signal).toBe("SIGKILL");
    // What is passed once in the life of a run is not passed again: then this one may finish.
    const again = work(where, tasks, { ...options, failpoint: `${point}@${second}` });
    if (again.signal === null && again.status !== 130) expect(again.status).toBe(0);
    let last = work(where, tasks, always);
    // It still has to say that it stopped asking an engine that crashed at everything.
    if (point === "ask:clear:before" && last.status === 75) last = work(where, tasks, always);
    expect(last).toMatchObject({ status: 0 });
    const kills = again.signal === "SIGKILL" ? 2 : 1;
    expectSame(`1 kill at ${point}`, where, calm(always), kills);
    // Only the call that was answered and not yet written is asked again.
    const answers = ask(where, "SELECT count(*) FROM calls WHERE completion_tokens > 0") as number;
    const repeated = requestsSent(where) - answers;
    // A beat comes when it comes, also between answers and their commit.
    if (point.startsWith("lease:beat:")) expect(repeated).toBeLessThanOrEqual(kills * sideBySide);
    else expect(repeated).toBe(point === "call:before" ? kills : 0);
  });

  it.each(
    sampled([...new Set(Array.from({ length: 12 }, () => 1 + Math.floor(random() * 100)))], 2),
  )("at call %i repeats that call alone", (call) => {
    const where = folder();
    expect(work(where, tasks, { failpoint: `call:before@${call}` }).signal).toBe("SIGKILL");
    expect(work(where, tasks).status).toBe(0);
    expectSame("2 kill in the middle of a stage", where, expected);
    expect(requestsSent(where)).toBe(paid + 1);
  });

  const everywhere = [
    ...["stage:retrain:before", "stage:retrain:after", "memory:written", "stage:gate:after"],
    ...["stage:evaluate:before", "sealed:before", "finish:before", "call:before"],
  ];
  it.each(sampled(everywhere, 2))("with a memory, at %s, ends with the same rows", (point) => {
    for (const remembers of ["alone", "too"] as const) {
      const where = folder();
      // In the second round, which has a memory already; of the calls one in the middle.
      const times = point.startsWith("call:") ? 150 : /^(sealed|finish):/.test(point) ? 1 : 2;
      const killed = work(where, tasks, { remembers, failpoint: `${point}@${times}` });
      expect(killed.signal).toBe("SIGKILL");
      expect(work(where, tasks, { remembers })).toMatchObject({ status: 0 });
      expectSame(`1 kill with a memory at ${point}`, where, calm({ remembers }));
      const remembered = "SELECT count(*) FROM adapters WHERE memory IS NOT NULL";
      expect(ask(where, remembered)).toBeGreaterThan(0);
    }
  });

  const remembered = ["elicit", "retrain", "gate"].flatMap((stage) =>
    ["before", "after"].map((side) => `stage:${stage}:${side}`),
  );
  it.each(sampled([...remembered, "call:before"], 2))(
    "with a long-term memory, at %s, ends with the same lessons",
    (point) => {
      const where = folder();
      // In the second round, whose teacher is told what the first one learned; of the calls one of the first round's teacher.
      const times = point.startsWith("call:") ? 14 : 2;
      const options = { longTerm: true };
      const killed = work(where, tasks, { ...options, failpoint: `${point}@${times}` });
      expect(killed.signal).toBe("SIGKILL");
      expect(work(where, tasks, options)).toMatchObject({ status: 0 });
      expectSame(`1 kill with a long-term memory at ${point}`, where, calm(options));
      for (const counted of ["memory_uses WHERE shown", "memory_evidence"]) {
        expect(ask(where, `SELECT count(*) FROM ${counted}`)).toBeGreaterThan(0);
      }
      expect(ask(where, "SELECT rounds FROM memory_families")).toBe(2);
    },
  );

  it.each(["vectors:before", "vectors:after", "stage:elicit:before"])(
    "with lessons found by vectors, at %s, ends with the same lessons and vectors",
    (point) => {
      const where = folder();
      const options = { longTerm: "embedding" } as const;
      const killed = work(where, tasks, { ...options, failpoint: point });
      expect(killed.signal).toBe("SIGKILL");
      const [vectors, rounds] = ["vectors", "memory_uses"].map((table) =>
        ask(where, `SELECT count(*) FROM ${table}`),
      );
      // They are there before the round's tasks are; a round that was not begun has no lessons yet.
      expect(Number(vectors) > 0).toBe(point !== "vectors:before");
      expect(rounds).toBe(0);
      expect(work(where, tasks, options)).toMatchObject({ status: 0 });
      expectSame(`1 kill with vectors at ${point}`, where, calm(options));
      expect(ask(where, "SELECT count(*) FROM memory_uses WHERE shown")).toBeGreaterThan(0);
    },
  );

  it("again and again, at every second stage, still ends with the same rows", () => {
    const where = folder();
    let kills = 0;
    for (const [stage] of stages) {
      for (const side of ["before", "after"]) {
        const failpoint = `stage:${stage}:${side}`;
        kills += work(where, tasks, { failpoint }).signal === "SIGKILL" ? 1 : 0;
      }
    }
    work(where, tasks);
    expect(kills).toBeGreaterThan(stages.length);
    expectSame("1 kill at every stage", where, expected, kills);
    expect(requestsSent(where)).toBe(paid);
  });
});
