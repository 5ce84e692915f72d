import { RedistillError } from "../core/errors.js";
import { runTool } from "./run-tool.js";

export interface Python {
  /** The interpreter itself, not the name or shim that led to it. */
  readonly path: string;
  /** "3.11". */
  readonly version: string;
  readonly hasVenv: boolean;
  readonly hasPip: boolean;
  /** "x86_64", "arm64": of the interpreter, which may run emulated. */
  readonly machine: string;
}

export interface FindPythonOptions {
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether it must be able to create virtual environments; uv can do that in its place. */
  readonly needsVenv?: boolean | undefined;
}

const candidates = ["python3.13", "python3.12", "python3.11", "python3.10", "python3", "python"];

// ensurepip is what Debian and Ubuntu leave out of venv unless python3-venv is installed.
const probe = `
import importlib.util as u, json, platform, sys
has = lambda name: u.find_spec(name) is not None
print(json.dumps({"path": sys.executable, "version": list(sys.version_info[:2]),
  "wide": sys.maxsize > 2**32, "venv": has("venv") and has("ensurepip"), "pip": has("pip"),
  "machine": platform.machine()}))
`;

/**
 * Finds a Python that the trainer can use (3.10 to 3.13, 64 bits): REDISTILL_PYTHON if set,
 * else the newest on PATH.
 */
export async function findPython(options: FindPythonOptions = {}): Promise<Python> {
  const { env = process.env, needsVenv = true } = options;
  const named = env.REDISTILL_PYTHON;
  const rejected: string[] = [];
  for (const command of named ? [named] : candidates) {
    const found = await tryPython(command, env, options.signal);
    if (typeof found === "string") {
      if (found !== "") rejected.push(found);
    } else if (needsVenv && !found.hasVenv) {
      rejected.push(`${command} (${found.version}) lacks the venv module`);
    } else {
      return found;
    }
  }
  throw noPython(named, rejected);
}

/** The version of `uv` if it is on PATH, else null. */
export async function findUv(options: FindPythonOptions = {}): Promise<string | null> {
  const env = options.env ?? process.env;
  const result = await runTool("uv", ["--version"], {
    env,
    timeoutMs: 20_000,
    signal: options.signal,
  });
  return result.exitCode === 0 ? (/uv (\S+)/.exec(result.stdout)?.[1] ?? null) : null;
}

/** The interpreter behind a command, or why it will not do; "" if there is no such command. */
async function tryPython(
  command: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<Python | string> {
  const result = await runTool(command, ["-I", "-c", probe], { env, timeoutMs: 20_000, signal });
  if (result.missing) return "";
  if (result.exitCode !== 0) {
    // A version manager's shim, or the Windows store's stand-in, exists without a Python behind it.
    return `${command} does not run (${result.tail.at(-1) ?? "no output"})`;
  }
  try {
    const value = JSON.parse(result.stdout) as {
      path: string;
      version: [number, number];
      wide: boolean;
      venv: boolean;
      pip: boolean;
      machine: string;
    };
    const [major, minor] = value.version;
    const version = `${major}.${minor}`;
    if (major !== 3 || minor < 10 || minor > 13) return `${command} is Python ${version}`;
    if (!value.wide) return `${command} (${version}) is a 32-bit Python`;
    return {
      path: value.path,
      version,
      hasVenv: value.venv,
      hasPip: value.pip,
      machine: value.machine,
    };
  } catch {
    return `${command} did not answer as Python does`;
  }
}

function noPython(named: string | undefined, rejected: readonly string[]): RedistillError {
  const where = named ? `REDISTILL_PYTHON=${named} is not usable` : "No usable Python on PATH";
  const tried = rejected.length > 0 ? `: ${rejected.join("; ")}` : "";
  return new RedistillError(
    "setup",
    `${where}: the trainer needs a 64-bit Python from 3.10 to 3.13 with the venv module${tried}.`,
    `${installAdvice(rejected)} Or set REDISTILL_PYTHON to an interpreter's path.`,
  );
}

function installAdvice(rejected: readonly string[]): string {
  const venvOnly = rejected.some((reason) => reason.includes("venv"));
  switch (process.platform) {
    case "darwin":
      return "Install one, for example `brew install python@3.12`.";
    case "win32":
      return "Install one, for example `winget install Python.Python.3.12`.";
    default:
      return venvOnly
        ? "Debian and Ubuntu split that module off: `sudo apt install python3-venv`."
        : "Install one: `sudo apt install python3 python3-venv` (Debian, Ubuntu), `sudo dnf install python3` (Fedora).";
  }
}
