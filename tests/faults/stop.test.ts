import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../support/digest.js";
import {
  answersIn,
  ask,
  databaseIn,
  environment,
  logOf,
  runProgram,
  scriptedProgram,
  startProgram,
  stateIn,
  sumsFolder,
  until,
} from "../support/program.js";

/** Slow enough that a signal arrives in the middle of a stage. */
const slow = { delay: 20 };
let expected: Record<string, string>;
let paid = 0;

beforeAll(() => {
  const folder = sumsFolder();
  const { status, stderr } = runProgram(folder, ["run", "recipe.yaml"]);
  if (status !== 0) throw new Error(stderr);
  expected = digestOf(databaseIn(folder));
  paid = answersIn(folder);
});

/** Goes on to the end: the rows must be those of the undisturbed run, and nothing is paid twice. */
function expectResumable(folder: string): void {
  const before = answersIn(folder);
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(paid);
  expect(ask(folder, "PRAGMA integrity_check")).toBe("ok");
  const { status, stderr } = runProgram(folder, ["resume"]);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(digestOf(databaseIn(folder))).toEqual(expected);
}

const pidFile = (folder: string) => join(folder, "runs", "sums-1", "controller.pid");
const pidIn = (folder: string) => Number(readFileSync(pidFile(folder), "utf8"));
const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

/** Runs the program on a terminal that is closed when it ends, and gives its exit code and output. */
function runOnTerminal(folder: string, args: string[]): { code: string; said: string } {
  const command = [process.execPath, scriptedProgram, ...args];
  const script = resolve("tests/support/terminal.py");
  const { stdout } = spawnSync("python3", [script, join(folder, "never"), ...command], {
    cwd: folder,
    encoding: "utf8",
    env: environment({}),
  });
  const [code = "", said = ""] = stdout.trim().split("\n");
  return { code, said };
}

describe("a run that is told to stop", () => {
  it.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)(
    "by %s drains and can go on",
    async (signal) => {
      const folder = sumsFolder();
      const run = startProgram(folder, ["run", "recipe.yaml"], slow);
      await until(() => answersIn(folder) > 10, "answers");
      expect(pidIn(folder)).toBe(run.child.pid);
      run.child.kill(signal);
      expect(await run.ended).toEqual({ code: 130, signal: null });
      expect(run.text()).toContain("redistill resume sums-1");
      expect(stateIn(folder)).toBe("interrupted");
      expect(existsSync(pidFile(folder))).toBe(false);
      expect(logOf(folder).at(-1)).toMatchObject({ kind: "ended", reason: "interrupted" });
      expectResumable(folder);
    },
  );

  it("by nobody reading its output any more drains and can go on", async () => {
    const folder = sumsFolder();
    const run = startProgram(folder, ["--json", "run", "recipe.yaml"], slow);
    await until(() => run.text().includes('"items"'), "output");
    run.child.stdout?.destroy();
    expect(await run.ended).toEqual({ code: 130, signal: null });
    expect(stateIn(folder)).toBe("interrupted");
    expectResumable(folder);
  });

  it("by output and errors that nobody reads drains and can go on", async () => {
    const folder = sumsFolder();
    const run = startProgram(folder, ["--json", "run", "recipe.yaml"], slow);
    await until(() => run.text().includes('"items"'), "output");
    run.child.stdout?.destroy();
    run.child.stderr?.destroy();
    expect(await run.ended).toEqual({ code: 130, signal: null });
    expectResumable(folder);
  });

  it.skipIf(process.platform === "win32")("by a closed terminal drains and can go on", async () => {
    const folder = sumsFolder();
    const trigger = join(folder, "close-now");
    const program = [process.execPath, scriptedProgram, "run", "recipe.yaml"];
    const terminal = spawn("python3", [resolve("tests/support/terminal.py"), trigger, ...program], {
      cwd: folder,
      env: environment(slow),
    });
    let told = "";
    terminal.stdout.on("data", (data: Buffer) => {
      told += data.toString();
    });
    const ended = new Promise((settle) => terminal.once("close", settle));
    await until(() => answersIn(folder) > 10, "answers");
    writeFileSync(trigger, "");
    await ended;
    const [code, said] = told.trim().split("\n");
    expect(said).toContain("round 1 elicit");
    expect(code).toBe("130");
    expect(stateIn(folder)).toBe("interrupted");
    expectResumable(folder);
  });
});

describe("a detached run", () => {
  it.skipIf(process.platform === "win32")(
    "goes on when its terminal is closed, and is followed",
    () => {
      const folder = sumsFolder();
      const started = runOnTerminal(folder, ["run", "recipe.yaml", "--detach"]);
      expect(started.code).toBe("0");
      expect(started.said).toContain("Run sums-1 goes on in the background");
      const followed = runProgram(folder, ["logs", "-f"]);
      expect(followed.stdout).toContain("Run sums-1 finished.");
      expect(followed.status).toBe(0);
      expect(digestOf(databaseIn(folder))).toEqual(expected);
      const output = readFileSync(join(folder, "runs", "sums-1", "controller.log"), "utf8");
      expect(output).toContain("Starting run sums-1");
    },
  );

  it("is stopped by `stop`, which says when it has, and goes on by `resume --detach`", async () => {
    const folder = sumsFolder();
    const started = runProgram(folder, ["run", "recipe.yaml", "--detach"], slow);
    expect(started.status).toBe(0);
    const pid = pidIn(folder);
    expect(started.stdout).toContain(`process ${pid}`);
    await until(() => answersIn(folder) > 10, "answers");
    // A second one is refused while it works.
    expect(runProgram(folder, ["resume"]).status).toBe(7);
    const stopped = runProgram(folder, ["stop"]);
    expect(stopped.status).toBe(0);
    expect(stopped.stdout).toContain("Run sums-1 has stopped: interrupted.");
    expect(alive(pid)).toBe(false);
    expect(runProgram(folder, ["stop"]).status).toBe(7);
    expect(runProgram(folder, ["resume", "--detach"]).status).toBe(0);
    expect(runProgram(folder, ["logs", "sums-1", "--follow"]).stdout).toContain("finished.");
    expect(digestOf(databaseIn(folder))).toEqual(expected);
  });

  it("says at once what is wrong, in the terminal in which it was started", () => {
    const folder = sumsFolder("rouds: 3\n");
    const { status, stderr, stdout } = runProgram(folder, ["run", "recipe.yaml", "--detach"]);
    expect(stderr).toContain("Did you mean rounds?");
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });

  it("pauses when its stage ends, stays so for `run`, and goes on by `resume`", async () => {
    const folder = sumsFolder();
    // The stage of 80 answers must last until `pause` has started.
    runProgram(folder, ["run", "recipe.yaml", "--detach"], { delay: 100 });
    await until(() => answersIn(folder) > 3, "answers");
    expect(runProgram(folder, ["pause"]).stdout).toContain("is paused when its stage ends");
    runProgram(folder, ["logs", "-f"]);
    expect(stateIn(folder)).toBe("paused");
    expect(ask(folder, "SELECT group_concat(stage) FROM stages")).toBe("elicit,generate");
    const again = runProgram(folder, ["run", "recipe.yaml"]);
    expect(again.stderr).toContain("paused on request");
    expect(again.status).toBe(75);
    expect(runProgram(folder, ["status", "sums-1"]).stdout).toContain("a pause was asked for");
    expect(runProgram(folder, ["resume"]).stdout).toContain("is taken back");
    expect(digestOf(databaseIn(folder))).toEqual(expected);
  });
});

describe("stop", () => {
  it("signals no process that only has the number of the one that took the run", () => {
    const folder = sumsFolder();
    runProgram(folder, ["run", "recipe.yaml"]);
    const bystander = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    try {
      const db = new Database(databaseIn(folder));
      db.prepare("UPDATE leases SET host = ?, pid = ?, started = '1', beat_at = ?").run(
        hostname(),
        bystander.pid,
        Date.now(),
      );
      db.close();
      const { status, stderr } = runProgram(folder, ["stop", "sums-1"]);
      expect(stderr).toContain("run sums-1 is not being worked on");
      expect(status).toBe(7);
      expect(alive(bystander.pid!)).toBe(true);
    } finally {
      bystander.kill();
    }
  });
});

describe("the hours of a run, in the program", () => {
  const clock = (hours: number) =>
    new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
  const closed = () => `schedule: {windows: ["${clock(2)}-${clock(3)}"], timeZone: UTC}\n`;

  it("are waited for, in the background too, with no machine open; `stop` ends the wait", () => {
    const folder = sumsFolder(closed());
    expect(runProgram(folder, ["run", "recipe.yaml", "--detach"]).status).toBe(0);
    expect(stateIn(folder)).not.toBe("finished");
    expect(runProgram(folder, ["stop"]).status).toBe(0);
    expect(answersIn(folder)).toBe(0);
    const log = logOf(folder).map(({ text }) => text);
    expect(log).toContainEqual(expect.stringContaining("waits for its next window"));
    expect(log.at(-1)).toContain("was stopped while it waited");
  });

  it("are not waited for past --until, and may be changed in the recipe of a run", () => {
    const folder = sumsFolder(closed());
    const ended = runProgram(folder, ["run", "recipe.yaml", "--until", clock(1)]);
    expect(ended.stderr).toContain("redistill resume sums-1");
    expect(ended.status).toBe(75);
    expect(runProgram(folder, ["run", "recipe.yaml", "--until", "7 am"]).status).toBe(2);
    const path = join(folder, "recipe.yaml");
    writeFileSync(path, readFileSync(path, "utf8").replace(/^schedule.*\n/m, ""));
    expect(runProgram(folder, ["run", "recipe.yaml"]).status).toBe(0);
    expect(stateIn(folder)).toBe("finished");
    const once = runProgram(folder, ["run", "recipe.yaml", "--once"]);
    expect(once.stdout).toContain("Run sums-1 of this recipe has finished");
    expect(ask(folder, "SELECT count(*) FROM runs")).toBe(1);
  });
});

describe.skipIf(!existsSync("/dev/full"))("a run whose log cannot be written", () => {
  it("goes on without it and says so once", () => {
    const folder = sumsFolder();
    mkdirSync(join(folder, "runs", "sums-1"), { recursive: true });
    symlinkSync("/dev/full", join(folder, "runs", "sums-1", "log.ndjson"));
    const { status, stderr } = runProgram(folder, ["run", "recipe.yaml"]);
    expect(stderr.match(/The log cannot be written/g)).toHaveLength(1);
    expect(stderr).toContain("ENOSPC");
    expect(status).toBe(0);
    expect(digestOf(databaseIn(folder))).toEqual(expected);
  });

  it("goes on with its output on a full disk", () => {
    const folder = sumsFolder();
    const full = openSync("/dev/full", "w");
    const { status } = runProgram(folder, ["run", "recipe.yaml"], {
      stdio: ["ignore", full, full],
    });
    expect(status).toBe(0);
    expect(digestOf(databaseIn(folder))).toEqual(expected);
  });
});
