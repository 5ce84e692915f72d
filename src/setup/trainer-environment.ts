import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { RedistillError } from "../core/errors.js";
import { sha256 } from "../core/hash.js";
import { cacheDirectory } from "./cache-directory.js";
import { makeDirectory, requireFreeSpace, writeFileAtomic } from "./files.js";
import { sizeOfTree, watchGrowth } from "./growth.js";
import { readText } from "./http.js";
import { type EnvironmentProgress, startMeter } from "./install-progress.js";
import { withLock } from "./lock.js";
import { findUv, type Python } from "./python.js";
import { parseRequirements, pinnedVersion, type Requirement } from "./requirements.js";
import { runTool } from "./run-tool.js";
import {
  cpuIndex,
  install,
  packagesOf,
  pythonIn,
  temporaryFolder,
  type Variant,
} from "./trainer-install.js";

export interface TrainerEnvironmentOptions {
  /** The folder that holds `requirements.lock` and the worker's package. */
  readonly trainerDirectory: string;
  readonly python: Python;
  readonly signal?: AbortSignal | undefined;
  readonly cache?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  onProgress?(progress: EnvironmentProgress): void;
}

/** The Python of an environment that is ready for this lock and Python, or null if none is. */
export async function findTrainerEnvironment(
  options: TrainerEnvironmentOptions,
): Promise<string | null> {
  const lockText = await readLock(options.trainerDirectory);
  for (const variant of ["cpu", "registry"] as const) {
    const folder = folderFor(options, lockText, variant);
    if (await isReady(folder, options)) return pythonIn(folder);
  }
  return null;
}

/**
 * Gets the trainer's Python packages ready, once per lock and Python version, and returns the
 * path of the environment's interpreter. An interrupted installation is continued.
 */
export async function ensureTrainerEnvironment(
  options: TrainerEnvironmentOptions,
): Promise<string> {
  const ready = await findTrainerEnvironment(options);
  if (ready !== null) return ready;
  refuseUnsupported(options.python);
  const { onProgress, signal, python, env = process.env } = options;
  const lockText = await readLock(options.trainerDirectory);
  const requirements = parseRequirements(lockText);
  const variant = await chooseVariant(requirements, python, env, signal);
  const folder = folderFor(options, lockText, variant);
  await makeDirectory(join(folder, ".."));
  const onWait = (pid: number) =>
    onProgress?.({
      phase: "waiting",
      message: `waiting for another process (pid ${pid}) that is installing the trainer`,
      bytes: 0,
      elapsedMs: 0,
    });
  return withLock(`${folder}.lock`, { signal, onWait }, async (lock) => {
    if (await isReady(folder, options)) return pythonIn(folder);
    const needed = bytesNeeded(variant) - (await sizeOfTree(folder));
    await requireFreeSpace(join(folder, ".."), needed, "The trainer's Python environment");
    const useUv = (await findUv({ env, signal })) !== null;
    if (!useUv && !python.hasVenv) throw needsVenv(python);
    const uvCache = useUv ? (await runTool("uv", ["cache", "dir"], { env, signal })).stdout : "";
    const growing = [folder, temporaryFolder(folder)];
    const meter = startMeter(await watchGrowth(growing, uvCache.trim() || null), onProgress);
    const started = performance.now();
    try {
      await install({
        ...{ folder, requirements, variant, python, useUv, env, signal, meter, lock },
      });
      meter.doing("checking", "the installed packages");
      const packages = await check(folder, packagesOf(requirements, variant), options);
      const ready = {
        ...{ variant, packages, lock: sha256(lockText), python: python.version },
        ...{ installer: useUv ? "uv" : "pip" },
        seconds: Math.round((performance.now() - started) / 1000),
      };
      await writeFileAtomic(join(folder, "ready.json"), `${JSON.stringify(ready, null, 2)}\n`);
    } finally {
      meter.stop();
    }
    return pythonIn(folder);
  });
}

function folderFor(options: TrainerEnvironmentOptions, lock: string, variant: Variant): string {
  const { version, machine } = options.python;
  const cache = options.cache ?? cacheDirectory({ env: options.env ?? process.env });
  return join(cache, "trainer", sha256([lock, version, machine, variant]).slice(0, 16));
}

async function readLock(trainerDirectory: string): Promise<string> {
  const path = join(trainerDirectory, "requirements.lock");
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new RedistillError(
      "setup",
      `No list of the trainer's Python packages at ${path}.`,
      "The installation of redistill is incomplete: install it again.",
      { cause: error },
    );
  }
}

/** Complete, and its interpreter still starts (a system upgrade may have taken the base away). */
async function isReady(folder: string, options: TrainerEnvironmentOptions): Promise<boolean> {
  const marker = join(folder, "ready.json");
  if (!existsSync(marker)) return false;
  const args = ["-I", "-c", "import sys"];
  const { signal } = options;
  const result = await runTool(pythonIn(folder), args, { signal, timeoutMs: 30_000 });
  if (result.exitCode === 0) return true;
  await rm(marker, { force: true });
  return false;
}

function refuseUnsupported(python: Python): void {
  if (process.platform === "darwin" && python.machine === "x86_64") {
    throw new RedistillError(
      "setup",
      `PyTorch is no longer published for Intel Macs, and ${python.path} is an Intel Python.`,
      "On Apple silicon install an arm64 Python and set REDISTILL_PYTHON to it; on an Intel Mac train on another machine.",
    );
  }
}

function needsVenv(python: Python): RedistillError {
  return new RedistillError(
    "setup",
    `${python.path} (${python.version}) lacks the venv module, and there is no uv either.`,
    "Install one of them: `sudo apt install python3-venv`, or uv.",
  );
}

/** With CUDA's libraries 5.6 GB stay; the CPU build, and all builds but Linux's, need far less. */
function bytesNeeded(variant: Variant): number {
  return variant === "registry" && process.platform === "linux" ? 7e9 : 2.5e9;
}

/** The CPU index saves 3 GB where there is no NVIDIA GPU, if it answers and has this version. */
async function chooseVariant(
  requirements: readonly Requirement[],
  python: Python,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<Variant> {
  if (process.platform !== "linux" || python.machine !== "x86_64") return "registry";
  if (hasNvidia(env)) return "registry";
  const version = pinnedVersion(requirements, "torch", python.version);
  const page = await readText(`${cpuIndex}/torch/`, { timeoutMs: 5_000, signal }).catch(() => {
    signal?.throwIfAborted();
    return "";
  });
  const tag = `cp${python.version.replace(".", "")}`;
  const wheel = new RegExp(`torch-${version}(\\+|%2B)cpu-${tag}-${tag}-[a-z0-9_]*x86_64\\.whl`);
  return wheel.test(page) ? "cpu" : "registry";
}

function hasNvidia(env: NodeJS.ProcessEnv): boolean {
  if (existsSync("/proc/driver/nvidia") || existsSync("/dev/nvidia0")) return true;
  const folders = (env.PATH ?? "").split(delimiter);
  return folders.some((folder) => folder !== "" && existsSync(join(folder, "nvidia-smi")));
}

// `packaging` is itself in the lock. A local version such as 2.15.0+cpu satisfies 2.15.0.
const checkScript = `
import importlib.metadata as m, json, sys
try:
    from packaging.requirements import Requirement
    from packaging.version import Version
except ImportError:
    from pip._vendor.packaging.requirements import Requirement
    from pip._vendor.packaging.version import Version
found, wrong = {}, []
for line in filter(None, map(str.strip, sys.stdin)):
    r = Requirement(line)
    if r.marker and not r.marker.evaluate(): continue
    try: v = m.version(r.name)
    except m.PackageNotFoundError: v = None
    found[r.name] = v
    if v is None or not r.specifier.contains(Version(v).public, prereleases=True):
        wrong.append(f"{line.split(';')[0].strip()} (found {v})")
print(json.dumps({"found": found, "wrong": wrong}))
`;

/** Compares what is installed with the lock, without importing any of it. */
async function check(
  folder: string,
  packages: readonly Requirement[],
  { signal }: TrainerEnvironmentOptions,
): Promise<Record<string, string>> {
  const input = packages.map(
    (each) => `${each.name}==${each.version};${each.marker || "python_version>'3'"}`,
  );
  const result = await runTool(pythonIn(folder), ["-I", "-c", checkScript], {
    input: `${input.join("\n")}\n`,
    signal,
  });
  const report = result.exitCode === 0 ? (JSON.parse(result.stdout) as CheckReport) : null;
  if (report !== null && report.wrong.length === 0) return report.found;
  throw new RedistillError(
    "setup",
    `The trainer's environment in ${folder} is incomplete: ${report?.wrong.join(", ") ?? result.tail.join(" ")}.`,
    `Delete ${folder} and run the command again.`,
  );
}

interface CheckReport {
  readonly found: Record<string, string>;
  readonly wrong: readonly string[];
}
