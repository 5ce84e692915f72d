import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { startChild } from "../../src/training/child.js";
import { digestOf } from "../support/digest.js";
import { sumsFile } from "../support/scripted-run.js";
import { ask, databaseOf, expectSame, fired, folder, requestsSent, work } from "./harness.js";

const tasks = folder();
beforeAll(() => {
  sumsFile(tasks, 160);
});

describe("a full database", () => {
  it("pauses the run with a clear message, each time, and it goes on when there is room", () => {
    const undisturbed = folder();
    work(undisturbed, tasks);
    const where = folder();
    let pauses = 0;
    for (;;) {
      // A stage's commit needs its pages at once: less than that, and no start gets further.
      const { status, stderr } = work(where, tasks, { morePages: 2 + pauses });
      if (status === 0) break;
      pauses++;
      expect(pauses).toBeLessThan(60);
      expect(stderr).toContain("the disk is full");
      expect(status).toBe(75);
      expect(ask(where, "SELECT state FROM runs")).toBe("paused");
      expect(ask(where, "SELECT failure FROM runs")).toContain("full");
      expect(ask(where, "PRAGMA integrity_check")).toBe("ok");
    }
    expect(pauses).toBeGreaterThan(3);
    expectSame("7 database full", where, digestOf(databaseOf(undisturbed)), pauses);
    // At most the answer for which there was no room is asked for again.
    const again = requestsSent(where) - requestsSent(undisturbed);
    expect(again).toBeLessThanOrEqual(pauses);
  });
});

describe("a full disk", () => {
  it("while an adapter is written pauses the run; the half is never used", () => {
    const undisturbed = folder();
    expect(work(undisturbed, tasks, { adapters: "files" })).toMatchObject({ status: 0 });
    const where = folder();
    const { status, stderr } = work(where, tasks, { adapters: "full" });
    expect(stderr).toContain("No space left on device");
    expect(status).toBe(75);
    expect(ask(where, "SELECT state FROM runs")).toBe("paused");
    const last = "SELECT payload ->> 'cause' FROM events ORDER BY sequence DESC LIMIT 1";
    expect(ask(where, last)).toBe("disk");
    expect(ask(where, "SELECT count(*) FROM adapters")).toBe(0);
    const [job] = readdirSync(join(where, "memory", "adapters"));
    const half = join(where, "memory", "adapters", job!, "adapter", ".adapter.gguf.tmp");
    expect(readFileSync(half, "utf8")).toBe("adapt");
    expect(work(where, tasks, { adapters: "files" })).toMatchObject({ status: 0 });
    expectSame("8 disk full at an adapter", where, digestOf(databaseOf(undisturbed)));
    expect(requestsSent(where)).toBe(requestsSent(undisturbed));
  });

  it.runIf(process.platform === "linux")("for the trainer's log is no reason to stop", async () => {
    const where = folder();
    const logFile = join(where, "logs", "trainer.log");
    mkdirSync(join(where, "logs"));
    symlinkSync("/dev/full", logFile);
    // Any program that writes to stderr: `sh` does not know the option and says so.
    const child = startChild(
      { python: "/bin/sh", trainerDirectory: where, logFile },
      { onLine: () => {}, onOverflow: () => {}, onEnd: () => {} },
    );
    const end = await child.ended;
    expect(end.error).toBeNull();
    expect(child.tail.length).toBeGreaterThan(0);
    fired("8 disk full at the log");
  });
});
