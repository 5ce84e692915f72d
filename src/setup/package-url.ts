import { messageOf } from "../core/errors.js";
import { findPython, findUv } from "./python.js";
import { runTool } from "./run-tool.js";

export interface ResolveOptions {
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The URL of a package's wheel, as the user's own pip (else uv) resolves it: whatever mirror,
 * proxy or local folder they have configured is respected. Throws an Error that says what failed.
 */
export async function resolveWheelUrl(
  requirement: string,
  options: ResolveOptions = {},
): Promise<string> {
  const failures: string[] = [];
  for (const resolve of [withPip, withUv]) {
    try {
      return await resolve(requirement, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      failures.push(messageOf(error));
    }
  }
  throw new Error(failures.join("; "));
}

const timeoutMs = 120_000;

async function withPip(requirement: string, options: ResolveOptions): Promise<string> {
  const python = await findPython({ ...options, needsVenv: false });
  if (!python.hasPip) throw new Error(`${python.path} has no pip`);
  const env = { PIP_RETRIES: "2", PIP_DEFAULT_TIMEOUT: "20", ...(options.env ?? process.env) };
  const flags = ["--dry-run", "--ignore-installed", "--no-deps", "--no-input", "--quiet"];
  const result = await runTool(
    python.path,
    ["-m", "pip", "install", ...flags, "--only-binary=:all:", "--report", "-", requirement],
    { env: { ...env, PIP_DISABLE_PIP_VERSION_CHECK: "1" }, timeoutMs, signal: options.signal },
  );
  if (result.tail.some((line) => line.includes("no such option"))) {
    throw new Error(`pip of ${python.path} is older than 22.2 (\`python -m pip install -U pip\`)`);
  }
  if (result.exitCode !== 0) throw new Error(`pip: ${lastError(result.tail)}`);
  const report = JSON.parse(result.stdout.slice(result.stdout.indexOf("{"))) as {
    install?: { download_info?: { url?: string } }[];
  };
  const url = report.install?.[0]?.download_info?.url;
  if (url === undefined) throw new Error("pip did not say where the wheel is");
  return url;
}

async function withUv(requirement: string, options: ResolveOptions): Promise<string> {
  if ((await findUv(options)) === null) throw new Error("there is no uv on PATH");
  const result = await runTool(
    "uv",
    ["pip", "compile", "--no-deps", "--no-header", "--format", "pylock.toml", "-"],
    { env: options.env, input: `${requirement}\n`, timeoutMs, signal: options.signal },
  );
  if (result.exitCode !== 0) throw new Error(`uv: ${lastError(result.tail)}`);
  const url = /wheels\s*=\s*\[\s*\{[^}]*?url\s*=\s*"([^"]+\.whl)"/.exec(result.stdout)?.[1];
  if (url === undefined) throw new Error("uv did not say where the wheel is");
  return url;
}

function lastError(tail: readonly string[]): string {
  const line = tail.findLast((each) => /error/i.test(each)) ?? tail.at(-1) ?? "it said nothing";
  return line.trim().replace(/(https?:\/\/)[^/\s@]+@/g, "$1***@");
}
