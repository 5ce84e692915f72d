import { beforeAll, describe, expect, it } from "vitest";
import { budgetSchema } from "../../src/core/budget.js";
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

describe("a run whose coach looks at its budget", () => {
  const [tasks, undisturbed] = [folder(), folder()];
  const coach = { coach: true };
  /** Calls of coaches by round: those that were asked, whoever uses them. */
  const asked = (where: string) =>
    ask(
      where,
      `SELECT group_concat(n) FROM (SELECT count(*) AS n FROM calls WHERE paid_in_stage = 'plan'
         GROUP BY paid_in_round ORDER BY paid_in_round)`,
    );
  const told = (where: string, round: number) =>
    ask(where, `SELECT observation -> '$.budgetLeft' FROM plans WHERE round = ${round}`);
  const written = "SELECT count(*) FROM prompts WHERE name LIKE 'coach-%'";
  let expected: Record<string, string> = {};
  beforeAll(() => {
    sumsFile(tasks, 160);
    expect(work(undisturbed, tasks, coach)).toMatchObject({ status: 0 });
    expected = digestOf(databaseOf(undisturbed));
    expect(asked(undisturbed)).toBe("3,3");
    expect(told(undisturbed, 1)).toBe('{"calls":10000,"tokens":10000000}');
    expect(ask(undisturbed, "SELECT count(*) FROM plans WHERE author = 'coach'")).toBe(2);
    // Each plan has a critique prompt of the coach's with it.
    expect(ask(undisturbed, written)).toBe(2);
  });

  // Of each plan the first answer has the question that tells what is left.
  it.each([
    ["observe:before@1", 0, 0],
    ["observe:after@1", 1, 0],
    ["call:after@2", 1, 0],
    ["call:before@3", 1, 1],
    ["plan:before@1", 1, 0],
    ["observe:after@2", 1, 0],
  ] as const)("and that is killed at %s asks nothing again", (failpoint, seen, repeated) => {
    const where = folder();
    expect(work(where, tasks, { ...coach, failpoint }).signal).toBe("SIGKILL");
    expect(ask(where, "SELECT count(*) FROM observations")).toBe(seen);
    expect(work(where, tasks, coach)).toMatchObject({ status: 0 });
    expectSame(`1 kill of a coach at ${failpoint}`, where, expected);
    expect(asked(where)).toBe("3,3");
    expect(told(where, 1)).toBe(told(undisturbed, 1));
    expect(told(where, 2)).toBe(told(undisturbed, 2));
    expect(requestsSent(where)).toBe(requestsSent(undisturbed) + repeated);
    expect(ask(where, "SELECT count(*) FROM observations")).toBe(0);
  });

  it("and pauses for it asks nothing again when it is raised", () => {
    const where = folder();
    const withBudget = (budget: object) => ({
      ...{ ...coach, settings: { budget: budgetSchema.parse(budget) } },
    });
    expect(work(where, tasks, withBudget({ calls: 2 })).status).toBe(75);
    expect(asked(where)).toBe("2");
    const raised = withBudget({ calls: 10_000, tokens: 10_000_000 });
    expect(work(where, tasks, raised)).toMatchObject({ status: 0 });
    expect(asked(where)).toBe("3,3");
    // It was told what was left when it began, and the next one what is left now.
    expect(told(where, 1)).toBe('{"calls":2}');
    expect(told(where, 2)).toMatch(/^\{"calls":9\d\d\d,"tokens":9\d{6}\}$/);
    expect(requestsSent(where)).toBe(requestsSent(undisturbed));
  });
});
