import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";
import { dirname } from "node:path";
import { messageOf, RedistillError } from "../core/errors.js";
import { cacheDirectory } from "../setup/cache-directory.js";
import { formatBytes } from "../setup/files.js";
import { findPython, findUv, type Python } from "../setup/python.js";
import { findTrainerEnvironment } from "../setup/trainer-environment.js";
import { defaultWeights, weightsPath } from "../setup/weights.js";
import { Store } from "../store/store.js";
import { migrationsDirectory, trainerDirectory, type Workspace } from "./paths.js";
import { openForReading } from "./reading.js";

/** One thing that a run needs. `later`: not there, and the first run gets it by itself. */
export interface Check {
  readonly what: string;
  readonly state: "ok" | "later" | "missing";
  readonly found: string;
  readonly hint: string | null;
}

const oldestNode = [20, 19] as const;
/** Disk that the trainer's environment takes while it is made; on Linux PyPI's torch brings CUDA. */
const trainerBytes = process.platform === "linux" && process.arch === "x64" ? 7e9 : 2.5e9;
const workspaceBytes = 0.5e9;

/** Looks at everything that a run needs; changes nothing. */
export async function runChecks(workspace: Workspace, signal: AbortSignal): Promise<Check[]> {
  const uv = await findUv({ signal });
  const python = await findPython({ signal, needsVenv: uv === null }).catch((error) => {
    signal.throwIfAborted();
    return error as RedistillError;
  });
  const trainer = python instanceof RedistillError ? null : await trainerOf(python, signal);
  return [
    checkNode(),
    await checkEngine(),
    checkDatabaseEngine(),
    checkPython(python),
    uv === null ? ok("uv", "not installed; pip does its work, more slowly") : ok("uv", uv),
    checkTrainer(trainer),
    checkWeights(),
    await checkDisk("disk for the cache", cacheDirectory(), trainer === null ? trainerBytes : 0),
    await checkDisk("disk for the workspace", workspace.root, workspaceBytes),
    checkDatabase(workspace),
    ok(
      "machine",
      `${platform()} ${arch()}, ${availableParallelism()} cores${processor()}, ${formatBytes(totalmem())} memory`,
    ),
  ];
}

/** Nothing is missing. */
export function ok(what: string, found: string): Check {
  return { what, state: "ok", found, hint: null };
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [oldest, oldestMinor] = oldestNode;
  const enough = major > oldest || (major === oldest && minor >= oldestMinor);
  if (enough) return ok("Node", process.versions.node);
  const hint = `Install Node ${oldest}.${oldestMinor} or newer.`;
  return { what: "Node", state: "missing", found: process.versions.node, hint };
}

async function checkEngine(): Promise<Check> {
  return attempt("engine", async () => {
    // Imported here: a broken installation of it is then a finding, not the end of this program.
    const { probeEngine } = await import("../models/embedded/engine.js");
    const { release, device } = await probeEngine();
    return `llama.cpp ${release} on ${device}`;
  });
}

/** A database in memory: the binary loads and the migrations are there. */
function checkDatabaseEngine(): Check {
  try {
    Store.open(":memory:", migrationsDirectory).close();
    return ok("SQLite", "loads, and its migrations run");
  } catch (error) {
    const hint = "Run `npm ci` again; better-sqlite3 fetches or builds its binary then.";
    return { what: "SQLite", state: "missing", found: messageOf(error), hint };
  }
}

function checkPython(python: Python | RedistillError): Check {
  if (!(python instanceof RedistillError)) return ok("Python", `${python.version}, ${python.path}`);
  return { what: "Python", state: "missing", found: python.message, hint: python.hint };
}

async function trainerOf(python: Python, signal: AbortSignal): Promise<string | null> {
  return findTrainerEnvironment({ trainerDirectory, python, signal }).catch(() => null);
}

function checkTrainer(interpreter: string | null): Check {
  if (interpreter !== null) return ok("trainer", "its Python environment is ready");
  return {
    what: "trainer",
    state: "later",
    found: "its Python environment is not made yet",
    hint: "The first run makes it: up to 5.6 GB, 1 to 20 minutes by the network.",
  };
}

function checkWeights(): Check {
  const path = weightsPath(defaultWeights, cacheDirectory());
  if (existsSync(path)) return ok("default weights", defaultWeights.name);
  return {
    what: "default weights",
    state: "later",
    found: "not fetched yet",
    hint: `The first run fetches ${formatBytes(defaultWeights.bytes)}; \`redistill models pull\` does it now.`,
  };
}

async function checkDisk(what: string, folder: string, needed: number): Promise<Check> {
  let place = folder;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  const found = `${formatBytes(free)} free in ${folder}`;
  if (free >= needed) return ok(what, found);
  const hint = `Make room: ${formatBytes(needed)} are needed. REDISTILL_CACHE moves the cache to another disk.`;
  return { what, state: "missing", found, hint };
}

function checkDatabase(workspace: Workspace): Check {
  const what = "database";
  try {
    const store = openForReading(workspace);
    if (store === null) return ok(what, "none here yet; the first run makes it");
    try {
      const problems = store.integrityProblems();
      const runs = store.runs.all().length;
      if (problems.length === 0) return ok(what, `whole, ${runs} run${runs === 1 ? "" : "s"}`);
      const hint = "Restore a copy, or move the file away to start afresh; it was not touched.";
      return { what, state: "missing", found: `damaged: ${problems[0]}`, hint };
    } finally {
      store.close();
    }
  } catch (error) {
    const hint = error instanceof RedistillError ? error.hint : "Check the file.";
    return { what, state: "missing", found: messageOf(error), hint };
  }
}

/** What a probe found, or what is missing with the way to get it. */
export async function attempt(what: string, probe: () => Promise<string>): Promise<Check> {
  try {
    return ok(what, await probe());
  } catch (error) {
    const hint = error instanceof RedistillError ? error.hint : "Run `npm ci` again.";
    return { what, state: "missing", found: messageOf(error), hint };
  }
}

function processor(): string {
  const model = cpus()[0]?.model.trim();
  return model ? ` (${model})` : "";
}
