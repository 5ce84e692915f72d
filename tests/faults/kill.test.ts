import { beforeAll, describe, expect, it } from "vitest";
import { budgetSchema } from "../../src/core/budget.js";
import { stages } from "../../src/stages/index.js";
import { digestOf } from "../support/digest.js";
import { failpoints } from "../support/failpoints.js";
import type { ChildOptions } from "../support/scripted-child.js";
import { sumsFile } from "../support/scripted-run.js";
import { databaseOf, expectSame, folder, random, requestsSent, sampled, work } from "./harness.js";

const tasks = folder();

const tonight = budgetSchema.parse({ night: { minutes: 600 } });

/** What a run has to meet so that it passes a point at all. */
function conditions(point: string): ChildOptions {
  if (point.startsWith("run:settings:")) return { settings: { budget: tonight } };
  return /^(run:end|spend):/.test(point) ? { abortAt: 40 } : {};
}

/** Calls are many: the first time in the middle of them. Most points are passed once in a round. */
const passes = (point: string) => (point.startsWith("call:") ? [57, 31] : [1, 1]);

describe("a run that is killed with SIGKILL", () => {
  const undisturbed = folder();
  let paid = 0;
  let expected: Record<string, string> = {};
  beforeAll(() => {
    sumsFile(tasks, 160);
    paid = work(undisturbed, tasks).paid;
    expected = digestOf(databaseOf(undisturbed));
  });

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
    const options = conditions(point);
    const killed = work(where, tasks, { ...options, failpoint: `${point}@${first}` });
    expect(killed.signal).toBe("SIGKILL");
    // What is passed once in the life of a run is not passed again: then this one may finish.
    const again = work(where, tasks, { ...options, failpoint: `${point}@${second}` });
    if (again.signal === null && again.status !== 130) expect(again.status).toBe(0);
    expect(work(where, tasks)).toMatchObject({ status: 0 });
    const kills = again.signal === "SIGKILL" ? 2 : 1;
    expectSame(`1 kill at ${point}`, where, expected, kills);
    // Only the call that was answered and not yet written is asked again.
    expect(requestsSent(where) - paid).toBe(point === "call:before" ? kills : 0);
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
