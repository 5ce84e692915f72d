import { readFileSync } from "node:fs";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../src/core/hash.js";
import { digestOf } from "../support/digest.js";
import { failpoints } from "../support/failpoints.js";
import { sumsFile } from "../support/scripted-run.js";
import {
  begin,
  databaseOf,
  expectSame,
  folder,
  requestsSent,
  sampled,
  until,
  work,
} from "./harness.js";

const tasks = folder();

/** Whether the process stands still, as after SIGSTOP. */
const standsStill = (pid: number | undefined) =>
  /\) T /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

/** Every row of every table: equal means that nothing at all was written. */
function allRows(where: string): string {
  const db = new Database(databaseOf(where), { readonly: true });
  try {
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
    return sha256(tables.map((name) => db.prepare(`SELECT * FROM "${name}"`).all()));
  } finally {
    db.close();
  }
}

/** Points that are passed between taking the lease and giving it back. */
const whileHeld = failpoints().filter(
  (point) =>
    /^(call|stage|round|sealed|progress|finish|adapter|run:own|lease:beat)/.test(point) ||
    point === "lease:release:before",
);

describe.runIf(process.platform === "linux")("two controllers on one run", () => {
  const undisturbed = folder();
  let expected: Record<string, string> = {};
  beforeAll(() => {
    sumsFile(tasks, 160);
    work(undisturbed, tasks);
    expected = digestOf(databaseOf(undisturbed));
  });

  it("the second refuses, names the first and writes nothing", async () => {
    const where = folder();
    const first = begin(where, tasks, { failpoint: "call:before@57/SIGSTOP" });
    await until("the first stands still", () => standsStill(first.child.pid));
    const before = allRows(where);
    const second = work(where, tasks);
    expect(second.stderr).toContain(`is being worked on by process ${first.child.pid}`);
    expect(second.status).toBe(7);
    expect(allRows(where)).toBe(before);
    first.child.kill("SIGCONT");
    expect(await first.ended).toMatchObject({ status: 0 });
    expectSame("13 second controller", where, expected);
    expect(requestsSent(where)).toBe(requestsSent(undisturbed));
  });

  it.each(sampled(whileHeld, 3))(
    "a zombie that wakes at %s writes nothing and ends with 7",
    async (point) => {
      const where = folder();
      const lease = { beatMs: 20, durationMs: 200 };
      const zombie = begin(where, tasks, { lease, failpoint: `${point}@1/SIGSTOP` });
      await until("the zombie stands still", () => standsStill(zombie.child.pid));
      await until("another took over", () => work(where, tasks, { lease }).status === 0);
      const before = allRows(where);
      zombie.child.kill("SIGCONT");
      const { status, stderr } = await zombie.ended;
      expect(stderr).toContain("was taken over by");
      expect(status).toBe(7);
      expect(allRows(where)).toBe(before);
      expectSame("14 zombie controller", where, expected);
      // One call was in flight when it fell asleep; one more it may ask for before it hears.
      expect(requestsSent(where) - requestsSent(undisturbed)).toBeLessThanOrEqual(2);
    },
  );

  it("one that slept past its lease goes on if nobody took over", async () => {
    const where = folder();
    const lease = { beatMs: 5, durationMs: 10 };
    const sleeper = begin(where, tasks, { lease, failpoint: "stage:generate:before@1/SIGSTOP" });
    await until("it stands still", () => standsStill(sleeper.child.pid));
    sleeper.child.kill("SIGCONT");
    expect(await sleeper.ended).toMatchObject({ status: 0 });
    expectSame("14 sleep without a rival", where, expected);
  });
});
