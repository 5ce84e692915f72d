import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, renameSync, statSync, type WriteStream } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { redact, withoutSecrets } from "../core/secrets.js";
import { createLineSplitter } from "./lines.js";

export interface ChildOptions {
  /** The interpreter of the trainer's environment. */
  readonly python: string;
  /** The folder that holds the package `redistill_trainer`. */
  readonly trainerDirectory: string;
  /** Everything that the worker says beside its protocol is appended here. */
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export interface ChildEvents {
  onLine(line: string): void;
  onOverflow(): void;
  /** Once, when nothing more will come. `error` if it could not be started at all. */
  onEnd(end: ChildEnd): void;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: Error | null;
}

/** The worker's process: its streams, its log and its end. */
export interface Child {
  readonly pid: number | undefined;
  /** The last lines of stderr. */
  readonly tail: readonly string[];
  readonly ended: Promise<ChildEnd>;
  send(message: object): void;
  log(line: string): void;
  closeInput(): void;
  kill(signal: NodeJS.Signals): void;
}

const tailLines = 100;
const logLimit = 5_000_000;
/** A grandchild may hold the pipes open after the worker itself is gone. */
const drainMs = 1_000;

/** Starts `python -m redistill_trainer`. It never uses a network and never outlives us. */
export function startChild(options: ChildOptions, events: ChildEvents): Child {
  const log = openLog(options.logFile);
  const tail: string[] = [];
  const child = spawn(options.python, ["-m", "redistill_trainer"], {
    cwd: options.trainerDirectory,
    env: workerEnvironment(options),
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
    // In a group of its own, so that Ctrl-C in the terminal reaches us alone and we end it in order.
    detached: process.platform !== "win32",
  });
  const keep = (said: string) => {
    const line = redact(said);
    tail.push(line.slice(0, 2_000));
    if (tail.length > tailLines) tail.shift();
    log.write(`${line}\n`);
  };
  child.stdout.on("data", createLineSplitter(events.onLine, events.onOverflow));
  child.stderr.on(
    "data",
    createLineSplitter(keep, () => keep("(a line too long to keep)"), 1_000_000),
  );
  // A write to a worker that just died; its end is reported by itself.
  child.stdin.on("error", () => {});
  const kill = (signal: NodeJS.Signals) => killGroup(child, signal);
  const killAtExit = () => kill("SIGKILL");
  process.once("exit", killAtExit);
  const ended = waitForEnd(child).then((end) => {
    process.removeListener("exit", killAtExit);
    log.end();
    events.onEnd(end);
    return end;
  });
  return {
    pid: child.pid,
    tail,
    ended,
    send: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    log: (line) => void log.write(`${redact(line)}\n`),
    closeInput: () => void child.stdin.end(),
    kill,
  };
}

async function waitForEnd(child: ChildProcess): Promise<ChildEnd> {
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const end = await new Promise<ChildEnd>((resolve) => {
    child.once("error", (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, error });
    });
    child.once("exit", (code, signal) => resolve({ code, signal, error: null }));
  });
  if (end.error === null) {
    await Promise.race([closed, sleep(drainMs, undefined, { ref: false })]);
  }
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.stdin?.destroy();
  return end;
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // Gone in the meantime.
  }
}

const secretName = /TOKEN$|SECRET|PASSWO?R?D|PASSPHRASE|CREDENTIAL|(API|ACCESS|PRIVATE)_?KEY/i;

function workerEnvironment({ env = process.env, trainerDirectory }: ChildOptions) {
  const { PYTHONHOME: _home, PYTHONSTARTUP: _startup, ...rest } = withoutSecrets(env);
  // It works offline and on local files: whatever unlocks something elsewhere is not for it.
  for (const name of Object.keys(rest)) if (secretName.test(name)) delete rest[name];
  return {
    ...rest,
    // Alone: modules from elsewhere must not shadow those of the lock.
    PYTHONPATH: trainerDirectory,
    PYTHONUNBUFFERED: "1",
    PYTHONUTF8: "1",
    TOKENIZERS_PARALLELISM: "false",
    HF_HUB_OFFLINE: "1",
  };
}

/** Opens the log for appending; a large one is set aside once. A log that cannot be written is no reason to stop. */
function openLog(path: string): WriteStream {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > logLimit) renameSync(path, `${path}.1`);
  } catch {
    // The stream reports the same below.
  }
  const stream = createWriteStream(path, { flags: "a" });
  stream.on("error", () => {});
  return stream;
}
