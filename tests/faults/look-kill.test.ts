import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../support/digest.js";
import { sumsFile } from "../support/scripted-run.js";
import { ask, databaseOf, expectSame, folder, requestsSent, work } from "./harness.js";

const gate = { test: "sequential", attempts: 3 } as const;

describe("a look task by task that is killed with SIGKILL in its middle", () => {
  const [tasks, undisturbed] = [folder(), folder()];
  let expected: Record<string, string> = {};
  let before = 0;
  let within = 0;
  beforeAll(() => {
    sumsFile(tasks, 160);
    expect(work(undisturbed, tasks, { gate })).toMatchObject({ status: 0 });
    expected = digestOf(databaseOf(undisturbed));
    const calls = (where: string) =>
      ask(undisturbed, `SELECT count(*) FROM calls WHERE paid_in_round = 1 AND ${where}`) as number;
    before = calls("paid_in_stage NOT IN ('evaluate', 'final')");
    within = calls("paid_in_stage = 'evaluate'");
  });

  it("asked each task several times, and a part of the suite", () => {
    expect(within).toBeGreaterThan(10);
    expect(ask(undisturbed, "SELECT count(*) FROM sampled_evaluations")).toBe(
      2 * (ask(undisturbed, "SELECT count(*) FROM evaluations WHERE suite = 'gate'") as number),
    );
  });

  it("decides the same on the same answers, and asks again what was in flight alone", () => {
    const where = folder();
    const killed = work(where, tasks, { gate, failpoint: `call:before@${before + 5}` });
    expect(killed.signal).toBe("SIGKILL");
    expect(ask(where, "SELECT count(*) FROM evaluations")).toBe(0);
    const again = work(where, tasks, { gate, failpoint: `call:after@${within - 10}` });
    expect(again.signal).toBe("SIGKILL");
    expect(work(where, tasks, { gate })).toMatchObject({ status: 0 });
    expectSame("2 kills within a look", where, expected, 2);
    expect(requestsSent(where)).toBe(requestsSent(undisturbed) + 1);
  });

  it.each(["stage:evaluate:before", "stage:evaluate:after", "stage:gate:before"])(
    "at %s, ends with the same rows",
    (failpoint) => {
      const where = folder();
      expect(work(where, tasks, { gate, failpoint }).signal).toBe("SIGKILL");
      expect(work(where, tasks, { gate })).toMatchObject({ status: 0 });
      expectSame(`1 kill of a look at ${failpoint}`, where, expected);
    },
  );
});
