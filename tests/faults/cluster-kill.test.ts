import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../support/digest.js";
import { sumsFile } from "../support/scripted-run.js";
import { ask, databaseOf, expectSame, folder, requestsSent, work } from "./harness.js";

describe("a run that is killed with SIGKILL while a group of failures is named", () => {
  const [tasks, undisturbed] = [folder(), folder()];
  let expected: Record<string, string> = {};
  let call = 0;
  beforeAll(() => {
    sumsFile(tasks, 160);
    expect(work(undisturbed, tasks)).toMatchObject({ status: 0 });
    expected = digestOf(databaseOf(undisturbed));
    const first = "SELECT min(rowid) FROM calls WHERE paid_in_stage = 'cluster'";
    call = ask(undisturbed, `SELECT count(*) FROM calls WHERE rowid <= (${first})`) as number;
  });

  it("named one, and followed it into the second round", () => {
    expect(call).toBeGreaterThan(24);
    expect(ask(undisturbed, "SELECT count(*) FROM clusters WHERE named_by IS NOT NULL")).toBe(1);
    expect(ask(undisturbed, "SELECT max(round) FROM cluster_members")).toBe(2);
  });

  it.each([
    ["before", 1],
    ["after", 0],
  ] as const)("%s the answer is written, asks %i request again", (side, again) => {
    const where = folder();
    const killed = work(where, tasks, { failpoint: `call:${side}@${call}` });
    expect(killed.signal).toBe("SIGKILL");
    expect(ask(where, "SELECT count(*) FROM clusters")).toBe(0);
    expect(work(where, tasks)).toMatchObject({ status: 0 });
    expectSame(`1 kill ${side} a name`, where, expected);
    expect(requestsSent(where)).toBe(requestsSent(undisturbed) + again);
  });
});
