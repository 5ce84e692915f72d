import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Store } from "../../src/store/store.js";
import { childScript } from "../support/child.js";
import { sumsFile } from "../support/scripted-run.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-spend-"));
const [tasks, calm, killed] = [folder(), folder(), folder()] as [string, string, string];
afterAll(() => {
  for (const made of [tasks, calm, killed]) rmSync(made, { recursive: true, force: true });
});

function work(where: string, failpoint?: string): string | null {
  const env = { ...process.env, ...(failpoint ? { REDISTILL_FAILPOINT: failpoint } : {}) };
  const child = spawnSync(process.execPath, [childScript("scripted-child"), where, tasks], {
    env,
    encoding: "utf8",
  });
  if (child.signal === null && child.status !== 0) throw new Error(child.stderr);
  return child.signal;
}

function spent(where: string) {
  const store = Store.openReadOnly(join(where, "memory", "redistill.db"), "memory/migrations");
  const price = { prompt: 100_000n, completion: 700_000n };
  const {
    minutes: _time,
    diskMegabytes: _disk,
    ...paid
  } = store.spend.of("sums-1", () => price, null);
  store.close();
  return paid;
}

describe("what a run has spent", () => {
  it("is not changed by SIGKILL: rows count, what was in flight does not", () => {
    sumsFile(tasks, 160);
    expect(work(calm)).toBeNull();
    // Killed before the 57th answer's row is written, and after the 100th's.
    expect(work(killed, "call:before@57")).toBe("SIGKILL");
    expect(spent(killed).calls).toBe(56n);
    expect(work(killed, "call:after@44")).toBe("SIGKILL");
    expect(spent(killed).calls).toBe(100n);
    expect(work(killed, "stage:retrain:before")).toBe("SIGKILL");
    expect(work(killed)).toBeNull();
    expect(spent(killed)).toEqual(spent(calm));
    expect(spent(calm).money).toBeGreaterThan(0n);
  });
});
