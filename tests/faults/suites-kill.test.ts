import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../support/digest.js";
import { sumsFile } from "../support/scripted-run.js";
import { ask, databaseOf, expectSame, folder, sampled, work } from "./harness.js";

const suites = true;

describe("a run with two retention suites that is killed with SIGKILL", () => {
  const [tasks, undisturbed] = [folder(), folder()];
  let expected: Record<string, string> = {};
  beforeAll(() => {
    sumsFile(tasks, 160);
    expect(work(undisturbed, tasks, { suites })).toMatchObject({ status: 0 });
    expected = digestOf(databaseOf(undisturbed));
  });

  it("was decided by both, and rejected for the one that it forgot", () => {
    const reason = ask(undisturbed, "SELECT reason FROM decisions WHERE round = 1");
    expect(reason).toMatch(
      /^forgets too much of manners: gate .*; retention \(facts\) .*; retention \(manners\) /,
    );
    const names = `SELECT group_concat(value ->> '$.name') FROM decisions, json_each(evidence, '$.retentionSuites')
      WHERE round = 1`;
    expect(ask(undisturbed, names)).toBe("facts,manners");
    const sizes = "SELECT group_concat(n) FROM (SELECT count(*) AS n FROM tasks GROUP BY suite)";
    expect(ask(undisturbed, sizes)).toBe("54,40,30");
  });

  const points = [
    ...["run:create:after", "stage:evaluate:before", "stage:evaluate:after"],
    ...["stage:gate:before", "stage:gate:after"],
  ];
  it.each(sampled(points, 3))("at %s, ends with the same rows", (failpoint) => {
    const where = folder();
    expect(work(where, tasks, { suites, failpoint }).signal).toBe("SIGKILL");
    expect(work(where, tasks, { suites })).toMatchObject({ status: 0 });
    expectSame(`1 kill of a run with two suites at ${failpoint}`, where, expected);
  });
});
