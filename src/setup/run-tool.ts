import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { withoutSecrets } from "../core/secrets.js";
import { codeOf } from "./files.js";

export interface ToolResult {
  /** Null if the program could not be started or was killed by a signal. */
  readonly exitCode: number | null;
  /** The program does not exist. */
  readonly missing: boolean;
  readonly stdout: string;
  /** The last lines of both streams, in the order in which they came. */
  readonly tail: readonly string[];
}

export interface ToolOptions {
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
  readonly input?: string | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  onLine?(line: string): void;
  onStart?(pid: number): void;
}

const tailLines = 40;
const stdoutLimit = 8_000_000;

/** Runs a program to its end, without a shell; a failure is a result, only an abort throws. */
export async function runTool(
  command: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  options.signal?.throwIfAborted();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: withoutSecrets(options.env ?? process.env),
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
  });
  const tail: string[] = [];
  let stdout = "";
  const keep = (line: string) => {
    tail.push(line.slice(0, 2000));
    if (tail.length > tailLines) tail.shift();
    options.onLine?.(line);
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (stdout.length < stdoutLimit) stdout += `${line}\n`;
    keep(line);
  });
  createInterface({ input: child.stderr }).on("line", keep);
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");

  const stop = () => {
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), 5_000).unref();
  };
  options.signal?.addEventListener("abort", stop, { once: true });
  const timer = options.timeoutMs === undefined ? null : setTimeout(stop, options.timeoutMs);
  try {
    const end = await new Promise<{ exitCode: number | null; missing: boolean }>((resolve) => {
      child.once("spawn", () => options.onStart?.(child.pid!));
      child.once("error", (error) => {
        keep(error.message);
        if (child.pid === undefined) {
          resolve({ exitCode: null, missing: codeOf(error) === "ENOENT" });
        }
      });
      child.once("close", (exitCode) => resolve({ exitCode, missing: false }));
    });
    options.signal?.throwIfAborted();
    return { ...end, stdout, tail };
  } finally {
    if (timer !== null) clearTimeout(timer);
    options.signal?.removeEventListener("abort", stop);
  }
}
