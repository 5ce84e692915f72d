import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RedistillError } from "../../core/errors.js";
import { LineReader } from "../../files/line-reader.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import type { Announcement } from "../supervised.js";

interface DetachOptions {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** How often the new process's output is shown while it gets ready, in milliseconds. */
const showEvery = 200;

/**
 * `--detach`: starts this same command in a session of its own, so that the terminal may be closed,
 * and stays until that process has its run: what is wrong with a recipe is said here and now.
 */
export async function detachCommand({ workspace, output, signal }: DetachOptions): Promise<void> {
  mkdirSync(workspace.logs, { recursive: true });
  const log = join(workspace.logs, `starting-${process.pid}.log`);
  const file = openSync(log, "w");
  const own = process.argv.slice(1).filter((argument) => argument !== "--detach");
  const child = spawn(process.execPath, [...process.execArgv, ...own, "--detached-log", log], {
    cwd: workspace.root,
    detached: true,
    stdio: ["ignore", file, file, "ipc"],
    windowsHide: true,
  });
  closeSync(file);
  // Opened before the new process moves the file into its run's folder.
  const reader = new LineReader(log, 1);
  reader.read();
  const show = () => {
    for (const line of reader.read()) output.note(line);
  };
  const timer = setInterval(show, showEvery);
  try {
    const end = await announcement(child, signal);
    show();
    if (typeof end === "number") {
      rmSync(log, { force: true });
      process.exitCode = end;
      return;
    }
    const { pid } = child;
    output.result({ kind: "detached", ...end, pid });
    output.line(
      `Run ${end.run} goes on in the background (process ${pid}); its output: ${end.log}`,
    );
    output.line(`Watch it: redistill logs ${end.run} -f`);
    output.line(
      `Stop it: redistill stop ${end.run}, or redistill pause ${end.run} after its stage`,
    );
  } finally {
    clearInterval(timer);
    reader.close();
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** What the process says once it has its run, or its exit code if it ends before. */
function announcement(child: ChildProcess, signal: AbortSignal): Promise<Announcement | number> {
  return new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as Announcement));
    child.once("error", reject);
    child.once("exit", (code) => {
      if (!signal.aborted) resolve(code ?? 1);
      const hint = "Start it again with the same command.";
      reject(new RedistillError("interrupted", "stopped before the run had begun", hint));
    });
    signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
  });
}
