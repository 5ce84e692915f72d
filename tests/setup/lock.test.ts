import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { withLock } from "../../src/setup/lock.js";
import { temporaryDirectory } from "./helpers.js";

const lockOf = (pid: number, host = hostname()) =>
  JSON.stringify({ host, token: "another", processes: [{ pid, started: null }] });

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => child.once("exit", resolve));
  return child.pid!;
}

test("lets one in at a time, and leaves no file", async () => {
  const path = join(await temporaryDirectory(), "lock");
  let inside = 0;
  let most = 0;
  const enter = () =>
    withLock(path, {}, async () => {
      most = Math.max(most, ++inside);
      await sleep(20);
      inside--;
    });
  await Promise.all([enter(), enter(), enter()]);
  expect(most).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test("takes over the lock of a dead process, a former process of our pid, and a torn file", async () => {
  const path = join(await temporaryDirectory(), "lock");
  for (const content of [lockOf(await deadPid()), lockOf(process.pid), "{torn"]) {
    await writeFile(path, content);
    expect(await withLock(path, {}, async () => "in")).toBe("in");
  }
});

test("waits for a living process, and can be told to stop waiting", async () => {
  const path = join(await temporaryDirectory(), "lock");
  const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
  await writeFile(path, lockOf(child.pid!));
  const waited: number[] = [];
  const controller = new AbortController();
  const options = { signal: controller.signal, onWait: (pid: number) => waited.push(pid) };
  const waiting = withLock(path, options, async () => "in");
  await sleep(400);
  expect(waited).toEqual([child.pid]);
  controller.abort();
  await expect(waiting).rejects.toThrow();
  const second = withLock(path, {}, async () => "in");
  child.kill("SIGKILL");
  expect(await second).toBe("in");
});

test("believes another machine as long as its heartbeat is fresh", async () => {
  const path = join(await temporaryDirectory(), "lock");
  await writeFile(path, lockOf(process.pid, "elsewhere"));
  const signal = AbortSignal.timeout(400);
  await expect(withLock(path, { signal }, async () => "in")).rejects.toThrow();
  const old = new Date(Date.now() - 600_000);
  await utimes(path, old, old);
  expect(await withLock(path, {}, async () => "in")).toBe("in");
});

test("counts as held while an adopted child lives", async () => {
  const path = join(await temporaryDirectory(), "lock");
  const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
  const content = await withLock(path, {}, async (lock) => {
    await lock.adopt(child.pid!);
    return readFile(path, "utf8");
  });
  // As if we had been killed: only the child is left of the lock's processes.
  const orphaned = JSON.parse(content) as { processes: { pid: number }[]; token: string };
  await writeFile(path, JSON.stringify({ ...orphaned, token: "gone" }));
  const waiting = withLock(path, {}, async () => "in");
  await sleep(400);
  child.kill("SIGKILL");
  expect(await waiting).toBe("in");
});
