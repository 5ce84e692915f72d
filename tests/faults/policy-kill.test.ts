import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../support/digest.js";
import { sumsFile } from "../support/scripted-run.js";
import { ask, databaseOf, expectSame, folder, requestsSent, work } from "./harness.js";

describe("a run with an adaptive policy that is killed with SIGKILL", () => {
  const [tasks, undisturbed] = [folder(), folder()];
  let expected: Record<string, string> = {};
  beforeAll(() => {
    sumsFile(tasks, 160);
    expect(work(undisturbed, tasks)).toMatchObject({ status: 0 });
    expected = digestOf(databaseOf(undisturbed));
    expect(ask(undisturbed, "SELECT count(*) FROM plans")).toBe(2);
    expect(
      ask(undisturbed, "SELECT json_array_length(decisions) FROM plans WHERE round = 2"),
    ).not.toBe(0);
  });

  // The second plan rests on a round: it must see the same after a kill.
  it.each([
    ["plan:before@1", 0],
    ["plan:after@1", 1],
    ["plan:before@2", 1],
    ["plan:after@2", 2],
  ] as const)("at %s, plans the same, once", (failpoint, plans) => {
    const where = folder();
    expect(work(where, tasks, { failpoint }).signal).toBe("SIGKILL");
    expect(ask(where, "SELECT count(*) FROM plans")).toBe(plans);
    // A plan is there before its round is.
    expect(ask(where, "SELECT count(*) FROM rounds")).toBe(
      Math.max(0, Number(failpoint.slice(-1)) - 1),
    );
    expect(work(where, tasks)).toMatchObject({ status: 0 });
    expectSame(`1 kill at ${failpoint}`, where, expected);
    expect(requestsSent(where)).toBe(requestsSent(undisturbed));
  });
});
