import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { exitCodes } from "../../../src/core/errors.js";
import { stages } from "../../../src/stages/index.js";
import type { Mishap } from "./plan.js";
import { weekPrompts } from "./recipe.js";
import { runId, type Started, until, type World } from "./world.js";

/** Lets one fault happen to the world, and counts it if it did; a process lives for `cap` answers. */
export type Fault = (world: World, cap: number) => Promise<void>;

const hour = 3_600_000;

/** Killed with SIGKILL at a failpoint. */
const killedAt =
  (kind: string, pointOf: (world: World) => string): Fault =>
  async (world, cap) => {
    const killsBefore = world.fired.get("killed at a random answer") ?? 0;
    const { signal } = await world.live({ failpoint: pointOf(world), cap });
    const byCap = (world.fired.get("killed at a random answer") ?? 0) > killsBefore;
    world.count(kind, signal === "SIGKILL" && !byCap ? 1 : 0);
  };

const mishap =
  (make: (world: World) => Mishap): Fault =>
  async (world, cap) => {
    const answer = world.upTo(cap);
    await world.live({ plan: { atAnswer: [{ answer, what: make(world) }] }, cap: cap + 1 });
  };

/** A process that is at work: it has given an answer since it began. */
async function atWork(world: World, cap: number): Promise<Started> {
  const before = world.ask("SELECT count(*) FROM calls");
  const started = world.begin({ cap: cap + 20 });
  await until(() => world.ask("SELECT count(*) FROM calls") !== before, started);
  return started;
}

const signalled =
  (signal: NodeJS.Signals): Fault =>
  async (world, cap) => {
    const started = await atWork(world, cap);
    started.child.kill(signal);
    const { code } = await world.watch(started);
    world.count(`stopped by ${signal}`, code === exitCodes.interrupted ? 1 : 0);
  };

const asked =
  (command: "pause" | "stop", code: number): Fault =>
  async (world, cap) => {
    const started = await atWork(world, cap);
    await world.start([command, runId]).ended;
    const ended = await world.watch(started);
    world.count(`asked to ${command}`, ended.code === code ? 1 : 0);
  };

const standsStill = ({ child }: Started) => {
  const { stdout } = spawnSync("ps", ["-o", "state=", "-p", `${child.pid}`], { encoding: "utf8" });
  return stdout.trim().startsWith("T");
};

const ioError =
  (kind: string, errno: number, library: string): Fault =>
  async (world, cap) => {
    const control = join(world.folder, "control");
    const numbers = new BigInt64Array([BigInt(world.upTo(400)), 0n, BigInt(errno), 0n]);
    writeFileSync(control, new Uint8Array(numbers.buffer));
    const env = {
      ...{ LD_PRELOAD: library, FAULTY_IO_CONTROL: control, FAULTY_IO_PATH: "redistill.db" },
    };
    await world.live({ env, cap });
    const bytes = readFileSync(control);
    world.count(kind, Number(bytes.readBigInt64LE(24)));
  };

/** While a process is at work, something happens beside it; then it lives on to its cap. */
const beside =
  (kind: string, happens: (world: World) => Promise<boolean>): Fault =>
  async (world, cap) => {
    const started = await atWork(world, cap);
    world.count(kind, (await happens(world)) ? 1 : 0);
    await world.watch(started);
  };

/** A file of the recipe's is changed or gone for the life of one process. */
const fileChanged =
  (kind: string, name: string, change: (path: string) => void): Fault =>
  async (world, cap) => {
    const path = join(world.folder, name);
    renameSync(path, `${path}.kept`);
    change(path);
    await world.live({ cap });
    rmSync(path, { force: true });
    renameSync(`${path}.kept`, path);
    world.count(kind);
  };

/** Every kind of fault that the week knows; `library` is the compiled faulty.c, if there is one. */
export function allFaults(library: string | null): Map<string, Fault> {
  const [answers, side] = [12, ["before", "after"]];
  const kills: [string, (world: World) => string][] = [
    ["killed before an answer is written", (w) => `call:before@${w.upTo(answers)}`],
    ["killed after an answer is written", (w) => `call:after@${w.upTo(answers)}`],
    [
      "killed at a stage's end",
      (w) => `stage:${w.oneOf(stages.map(([name]) => name))}:${w.oneOf(side)}@1`,
    ],
    ["killed between an adapter's files and its row", () => "adapter:written@1"],
    ["killed as it takes the lease", (w) => `lease:take:${w.oneOf(side)}@1`],
    ["killed as it gives a sign of life", (w) => `lease:beat:${w.oneOf(side)}@${w.upTo(30)}`],
    ["killed as it begins to work", (w) => `run:own:${w.oneOf(side)}@1`],
    ["killed as it writes down its progress", (w) => `progress:${w.oneOf(side)}@${w.upTo(4)}`],
  ];
  return new Map<string, Fault>([
    ...kills.map(([kind, point]): [string, Fault] => [kind, killedAt(kind, point)]),
    ["killed at any moment", killedAtAnyMoment],
    [
      "killed while it trained",
      async (world, cap) => {
        await world.live({ plan: { killedInTraining: world.upTo(9) }, cap });
      },
    ],
    ["an adapter's file cut off", adapterCutOff],
    ["log of the database torn", tornLog],
    ["stopped by SIGTERM", signalled("SIGTERM")],
    ["stopped by SIGINT", signalled("SIGINT")],
    ["stopped by SIGHUP", signalled("SIGHUP")],
    ["asked to pause", asked("pause", exitCodes.paused)],
    ["asked to stop", asked("stop", exitCodes.interrupted)],
    ["a zombie woke after its lease", zombie],
    ["a second controller", secondController],
    ["its terminal closed", terminalClosed],
    ["engine crashes", mishap(() => ({ do: "engine-crashes" }))],
    ["engine falls silent", mishap(() => ({ do: "engine-falls-silent" }))],
    [
      "trainer died",
      async (world, cap) => {
        await world.live({ plan: { trainerDies: true }, cap });
      },
    ],
    [
      "clock set wrong",
      mishap((w) => ({
        do: "clock-set-wrong",
        milliseconds: w.oneOf([-30, -1, 1, 30]) * 24 * hour,
      })),
    ],
    [
      "machine suspended",
      mishap((w) => ({ do: "machine-suspended", milliseconds: w.upTo(5) * hour })),
    ],
    ["database locked by another", beside("database locked by another", locked)],
    ["a reader held open", beside("a reader held open", reading)],
    [
      "a backup taken",
      beside("a backup taken", async (world) => {
        const into = join(world.folder, "backups", `${world.lives}`);
        mkdirSync(join(world.folder, "backups"), { recursive: true });
        const { code } = await world.start(["backup", into]).ended;
        rmSync(into, { recursive: true, force: true });
        return code === 0;
      }),
    ],
    [
      "recipe edited",
      fileChanged("recipe edited", "recipe.yaml", (path) => writeFileSync(path, "rounds: [")),
    ],
    ["tasks deleted", fileChanged("tasks deleted", "sums.jsonl", () => {})],
    ["a prompt edited", fileChanged("a prompt edited", promptFile, promptEdited)],
    ["the run's log cannot be written", logFull],
    ...(library === null
      ? []
      : ([
          ["an input or output failed", ioError("an input or output failed", 5, library)],
          ["no space for a write", ioError("no space for a write", 28, library)],
        ] as [string, Fault][])),
  ]);
}

const promptFile = weekPrompts[0][0];

function promptEdited(path: string): void {
  writeFileSync(path, "---\nname: find-the-error\nversion: 2\nvariables: [task]\n---\nNo.\n");
}

async function killedAtAnyMoment(world: World, cap: number): Promise<void> {
  const started = world.begin({ cap: cap + 20 });
  setTimeout(() => started.child.kill("SIGKILL"), 200 + world.upTo(2_000)).unref();
  const before = world.fired.get("killed at a random answer") ?? 0;
  const { signal } = await world.watch(started);
  const byCap = (world.fired.get("killed at a random answer") ?? 0) > before;
  world.count("killed at any moment", signal === "SIGKILL" && !byCap ? 1 : 0);
}

async function adapterCutOff(world: World, cap: number): Promise<void> {
  const failpoint = "adapter:written@1";
  await world.live({ failpoint, cap });
  const known = new Set(`${world.ask("SELECT group_concat(gguf_path) FROM adapters")}`.split(","));
  const adapters = join("memory", "adapters");
  mkdirSync(join(world.folder, adapters), { recursive: true });
  const orphans = readdirSync(join(world.folder, adapters), { recursive: true, encoding: "utf8" })
    .map((path) => join(adapters, path))
    .filter((path) => path.endsWith("adapter.gguf") && !known.has(path));
  for (const path of orphans) truncateSync(join(world.folder, path), 7);
  world.count("an adapter's file cut off", orphans.length);
}

async function tornLog(world: World, cap: number): Promise<void> {
  await world.live({ failpoint: `call:after@${world.upTo(cap)}`, cap });
  const log = `${world.database}-wal`;
  if (!existsSync(log) || statSync(log).size < 5_000) return;
  truncateSync(log, statSync(log).size - world.upTo(4_000));
  world.count("log of the database torn");
}

async function zombie(world: World, cap: number): Promise<void> {
  const first = world.begin({ failpoint: `call:before@${world.upTo(cap)}/SIGSTOP` });
  if (!(await until(() => standsStill(first), first))) return;
  // The world goes on; the sleeper's lease runs out.
  world.goOn(hour);
  await world.live({ cap });
  first.child.kill("SIGCONT");
  const { code } = await world.watch(first);
  world.count("a zombie woke after its lease", code === exitCodes.state ? 1 : 0);
}

async function secondController(world: World, cap: number): Promise<void> {
  const first = world.begin({ failpoint: `call:before@${world.upTo(cap)}/SIGSTOP`, cap: cap + 5 });
  if (!(await until(() => standsStill(first), first))) return;
  const { code } = await world.start(["resume", runId]).ended;
  world.count("a second controller", code === exitCodes.state ? 1 : 0);
  first.child.kill("SIGCONT");
  await world.watch(first);
}

async function terminalClosed(world: World, cap: number): Promise<void> {
  const started = await atWork(world, cap);
  started.child.stdout?.destroy();
  started.child.stderr?.destroy();
  await world.watch(started);
  world.count("its terminal closed");
}

async function locked(world: World): Promise<boolean> {
  const db = new Database(world.database, { timeout: 20_000 });
  try {
    db.exec("BEGIN IMMEDIATE");
    await sleep(300);
    db.exec("ROLLBACK");
    return true;
  } finally {
    db.close();
  }
}

async function reading(world: World): Promise<boolean> {
  const db = new Database(world.database, { readonly: true });
  try {
    db.exec("BEGIN");
    db.prepare("SELECT count(*) FROM calls").get();
    await sleep(500);
    return true;
  } finally {
    db.close();
  }
}

async function logFull(world: World, cap: number): Promise<void> {
  const log = join(world.folder, "runs", runId, "log.ndjson");
  if (!existsSync(log) || !existsSync("/dev/full")) return;
  renameSync(log, `${log}.kept`);
  symlinkSync("/dev/full", log);
  await world.live({ cap });
  rmSync(log);
  renameSync(`${log}.kept`, log);
  world.count("the run's log cannot be written");
}
