import { spawn } from "node:child_process";
import { once } from "node:events";
import { hostname } from "node:os";
import { expect, it } from "vitest";
import { thisMachine } from "../../src/cli/processes.js";
import { markOf } from "../../src/setup/lock.js";

const sleeper = () => spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);

it.runIf(process.platform === "linux")(
  "a former owner's trainer is ended, but no other process of its number",
  async () => {
    const { self, endWorker, isGone } = thisMachine();
    expect(self).toMatchObject({ host: hostname(), pid: process.pid });
    expect(isGone(self)).toBe(false);
    const child = sleeper();
    const mark = markOf(child.pid!);
    const owner = { host: self.host, ...mark };
    expect(isGone(owner)).toBe(false);
    expect(isGone({ ...owner, started: "1" })).toBe(true);
    // A number on another machine says nothing about a process on this one.
    expect(isGone({ ...owner, started: "1", host: "elsewhere" })).toBe(false);
    endWorker({ ...owner, host: "elsewhere" }, mark);
    endWorker(owner, { ...mark, started: "1" });
    endWorker(owner, { ...mark, started: null });
    expect(isGone(owner)).toBe(false);
    endWorker(owner, mark);
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    expect(isGone(owner)).toBe(true);
  },
);
