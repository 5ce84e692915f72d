import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { messageOf } from "../core/errors.js";
import type { Output } from "./output.js";

/** What a detached controller says to the command that started it. */
export interface Announcement {
  readonly run: string;
  readonly log: string;
}

interface Supervised {
  /** The run's folder; it may not be there yet. */
  readonly folder: string;
  readonly runId: string;
  readonly root: string;
  /** Where a detached controller's output goes until its run has a folder. */
  readonly detachedLog: string | undefined;
  readonly output: Output;
}

/** Makes the process that works on a run findable while it does: pid file, and its output's place. */
export async function supervised(run: Supervised, use: () => Promise<void>): Promise<void> {
  const pidFile = join(run.folder, "controller.pid");
  try {
    mkdirSync(run.folder, { recursive: true });
    writeFileSync(pidFile, `${process.pid}\n`);
  } catch (error) {
    // The lease says the same; a full disk here is no reason to stop.
    run.output.note(`cannot write ${pidFile}: ${messageOf(error)}`);
  }
  if (run.detachedLog !== undefined) announce(run, run.detachedLog);
  try {
    await use();
  } finally {
    rmSync(pidFile, { force: true });
  }
}

/** Moves the output into the run's folder and tells the starter, if it still listens. */
function announce({ folder, runId, root }: Supervised, from: string): void {
  const inFolder = join(folder, "controller.log");
  if (existsSync(inFolder)) renameSync(inFolder, `${inFolder}.1`);
  let log = inFolder;
  try {
    renameSync(from, inFolder);
  } catch {
    // Windows moves no file that is open.
    log = from;
  }
  const announcement: Announcement = { run: runId, log: relative(root, log) };
  if (!process.connected) return;
  process.send?.(announcement, undefined, undefined, () => {
    if (process.connected) process.disconnect();
  });
}
