import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../support/digest.js";
import { sumsFile } from "../support/scripted-run.js";
import { begin, databaseOf, expectSame, folder, work } from "./harness.js";

const tasks = folder();

/** Another process with a write transaction that it does not end before its input does. */
async function holdLock(where: string): Promise<ChildProcess> {
  const program = `
    import Database from "better-sqlite3";
    const db = new Database(${JSON.stringify(databaseOf(where))});
    db.exec("BEGIN IMMEDIATE");
    process.stdout.write("held");
    process.stdin.resume().on("end", () => db.close());`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(holder.stdout!, "data");
  return holder;
}

describe("a database that another process holds", () => {
  let expected: Record<string, string> = {};
  const half = () => {
    const where = folder();
    expect(work(where, tasks, { failpoint: "call:after@57" }).signal).toBe("SIGKILL");
    return where;
  };
  beforeAll(() => {
    sumsFile(tasks, 160);
    const undisturbed = folder();
    work(undisturbed, tasks);
    expected = digestOf(databaseOf(undisturbed));
  });

  it("is waited for, but not for ever; then the run says so and can be resumed", async () => {
    const where = half();
    const holder = await holdLock(where);
    const startedAt = performance.now();
    const { status, stderr } = work(where, tasks);
    const seconds = (performance.now() - startedAt) / 1000;
    expect(stderr).toContain("another process holds the database");
    expect(status).toBe(4);
    expect(seconds).toBeGreaterThan(9);
    expect(seconds).toBeLessThan(60);
    holder.stdin!.end();
    await once(holder, "close");
    expect(work(where, tasks)).toMatchObject({ status: 0 });
    expectSame("12 locked database", where, expected);
  });

  it("for a moment only is no disturbance", async () => {
    const where = half();
    const holder = await holdLock(where);
    const run = begin(where, tasks);
    // Long enough for it to start and to wait; it succeeds just the same if it did not.
    setTimeout(() => holder.stdin!.end(), 2_500);
    expect(await run.ended).toMatchObject({ status: 0 });
    expectSame("12 locked for a moment", where, expected);
  });
});
