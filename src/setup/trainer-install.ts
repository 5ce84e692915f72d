import { rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { RedistillError } from "../core/errors.js";
import { makeDirectory, writeFileAtomic } from "./files.js";
import type { InstallMeter } from "./install-progress.js";
import type { HeldLock } from "./lock.js";
import type { Python } from "./python.js";
import { isCudaOnly, portions, type Requirement, withoutHashes } from "./requirements.js";
import { runTool, type ToolOptions, type ToolResult } from "./run-tool.js";

/** `cpu`: PyTorch from its own CPU index; `registry`: everything as the user's registry has it. */
export type Variant = "cpu" | "registry";

export const cpuIndex = "https://download.pytorch.org/whl/cpu";

export interface Installation {
  readonly folder: string;
  readonly requirements: readonly Requirement[];
  readonly variant: Variant;
  readonly python: Python;
  readonly useUv: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
  readonly meter: InstallMeter;
  readonly lock: HeldLock;
}

/** The interpreter inside a virtual environment. */
export function pythonIn(folder: string): string {
  return process.platform === "win32"
    ? join(folder, "Scripts", "python.exe")
    : join(folder, "bin", "python");
}

/** Where an installation keeps downloads in progress: beside it, never in a small /tmp. */
export function temporaryFolder(folder: string): string {
  return `${folder}.tmp`;
}

/** The packages of a lock that a variant installs. */
export function packagesOf(
  requirements: readonly Requirement[],
  variant: Variant,
): readonly Requirement[] {
  return variant === "registry" ? requirements : requirements.filter((each) => !isCudaOnly(each));
}

/** Creates the environment, or continues where an interrupted installation stopped. */
export async function install(installation: Installation): Promise<void> {
  const temporary = temporaryFolder(installation.folder);
  await rm(temporary, { recursive: true, force: true });
  await makeDirectory(temporary);
  try {
    await createEnvironment(installation);
    const packages = packagesOf(installation.requirements, installation.variant);
    if (installation.variant === "cpu") {
      const torch = packages.filter((each) => each.name === "torch");
      const rest = packages.filter((each) => each.name !== "torch");
      await installPortion(installation, "torch", torch.map(withoutHashes), "cpu");
      await installPortion(installation, "Python packages", textsOf(rest), "hashes");
    } else if (installation.useUv) {
      // uv fetches in parallel and keeps every finished wheel.
      await installPortion(installation, "Python packages", textsOf(packages), "hashes");
    } else {
      for (const { name, entries } of portions(packages)) {
        await installPortion(installation, name, textsOf(entries), "hashes");
      }
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function textsOf(requirements: readonly Requirement[]): string[] {
  return requirements.map((each) => each.text);
}

async function createEnvironment(installation: Installation): Promise<void> {
  const { folder, python, useUv, meter } = installation;
  const usable = await tool(installation, pythonIn(folder), [
    "-I",
    "-c",
    useUv ? "import sys" : "import pip",
  ]);
  if (usable.exitCode === 0) return;
  await rm(folder, { recursive: true, force: true });
  meter.doing("creating", "a Python environment");
  const result = useUv
    ? await tool(installation, "uv", ["venv", "--python", python.path, folder])
    : await tool(installation, python.path, ["-m", "venv", folder]);
  if (result.exitCode !== 0) {
    await rm(folder, { recursive: true, force: true });
    throw installError(installation, `create a virtual environment in ${folder}`, result);
  }
}

async function installPortion(
  installation: Installation,
  name: string,
  lines: readonly string[],
  source: "cpu" | "hashes",
): Promise<void> {
  const { folder, useUv, meter } = installation;
  meter.doing("installing", name);
  const file = join(temporaryFolder(folder), "requirements.txt");
  await writeFileAtomic(file, `${lines.join("\n")}\n`);
  const common = ["--no-deps", "-r", file, ...(source === "hashes" ? ["--require-hashes"] : [])];
  const index = [useUv ? "--default-index" : "--index-url", cpuIndex];
  const args = [...common, ...(source === "cpu" ? index : [])];
  const python = pythonIn(folder);
  const result = useUv
    ? await tool(installation, "uv", ["pip", "install", "--python", python, ...args])
    : await tool(installation, python, ["-m", "pip", "install", "--no-input", ...args]);
  if (result.exitCode !== 0) throw installError(installation, `install ${name}`, result);
}

function tool(installation: Installation, command: string, args: string[]): Promise<ToolResult> {
  const { folder, env, signal, meter, lock } = installation;
  const temporary = temporaryFolder(folder);
  const options: ToolOptions = {
    env: installerEnvironment(env, temporary),
    signal,
    onLine: (line) => meter.line(line),
    onStart: (pid) => void lock.adopt(pid).catch(() => {}),
  };
  return runTool(command, args, options);
}

/** The user's own pip and uv settings, but for those that would install somewhere else. */
function installerEnvironment(env: NodeJS.ProcessEnv, temporary: string): NodeJS.ProcessEnv {
  const { PYTHONPATH: _path, PYTHONHOME: _home, VIRTUAL_ENV: _env, ...rest } = env;
  const { PIP_TARGET: _target, PIP_PREFIX: _prefix, PIP_ROOT: _root, ...kept } = rest;
  return {
    PIP_DEFAULT_TIMEOUT: "30",
    PIP_RETRIES: "3",
    ...kept,
    PIP_USER: "0",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    PYTHONUTF8: "1",
    TMPDIR: temporary,
    TEMP: temporary,
    TMP: temporary,
    NO_COLOR: "1",
    PATH: env.PATH ?? ["/usr/bin", "/bin"].join(delimiter),
  };
}

const offline =
  /Temporary failure in name resolution|Name or service not known|nodename nor servname|getaddrinfo|Failed to establish a new connection|NewConnectionError|Network is unreachable|dns error|Could not connect|error sending request|Connection refused|ConnectTimeout/i;
const full = /No space left on device|Disk quota exceeded|os error 28/i;

/** An installer's failure, with the end of its output. */
export function installError(
  { folder, useUv, env }: Pick<Installation, "folder" | "useUv" | "env">,
  what: string,
  result: Pick<ToolResult, "exitCode" | "tail">,
): RedistillError {
  const output = result.tail.map((line) => `  ${redact(line)}`).join("\n");
  const name = useUv ? "uv" : "pip";
  const said = output === "" ? " It said nothing." : ` Its last lines:\n${output}`;
  if (full.test(output)) {
    return new RedistillError(
      "storage",
      `The disk became full while ${name} was to ${what} (in ${folder}).${said}`,
      "The trainer needs about 7 GB. Make room, or set REDISTILL_CACHE to a folder on a larger disk, and run the command again; it continues where it stopped.",
    );
  }
  const hint = offline.test(output)
    ? "The package registry could not be reached: check the network, the proxy and pip's index settings, then run the command again; it continues where it stopped."
    : `Correct what the last lines name, then run the command again; it continues where it stopped. Delete ${folder} to begin afresh.`;
  const status =
    result.exitCode === null ? "was killed" : `ended with exit code ${result.exitCode}`;
  const from =
    (env.PIP_INDEX_URL ?? env.UV_INDEX_URL) ? " (with the index that the environment names)" : "";
  return new RedistillError("setup", `${name} ${status}${from}: could not ${what}.${said}`, hint);
}

/** An index URL may hold a password. */
function redact(line: string): string {
  return line.replace(/(https?:\/\/)[^/\s@]+@/g, "$1***@");
}
