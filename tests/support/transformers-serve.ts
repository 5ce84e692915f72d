import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sha256 } from "../../src/core/hash.js";
import { cacheDirectory } from "../../src/setup/cache-directory.js";
import { hashFile } from "../../src/setup/digest.js";
import { withLock } from "../../src/setup/lock.js";
import { findPython, findUv } from "../../src/setup/python.js";
import { runTool } from "../../src/setup/run-tool.js";
import { testModel, testPython } from "./machine.js";

const fileOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
/** Measured: 24 s on two quiet cores. */
const startMs = 300_000;

export interface Serving {
  /** Ends in /v1. */
  readonly url: string;
  /** The model, as the server calls it: its folder. */
  readonly name: string;
  /** Processor and memory stay; the port is free again. */
  stop(): Promise<void>;
}

/**
 * A real server with OpenAI's chat API: `transformers serve` with the default weights, on the trainer's
 * Python. What it needs is made once, in the cache folder.
 */
export async function serveTransformers(): Promise<Serving> {
  const packages = await ensurePackages();
  const name = await ensureWeightsFolder();
  const port = await freePort();
  const home = await mkdtemp(join(tmpdir(), "serving-"));
  // Without this folder its list of models is an error 500.
  await mkdir(join(home, "hub"));
  const output: string[] = [];
  const program = "from transformers.cli.transformers import main; main()";
  const where = ["--device", "cpu", "--host", "127.0.0.1", "--port", String(port)];
  const server = spawn(testPython(), ["-c", program, "serve", name, ...where], {
    env: {
      ...{ ...process.env, PYTHONPATH: packages, HF_HOME: home },
      ...{ HF_HUB_OFFLINE: "1", HF_HUB_DISABLE_UPDATE_CHECK: "1" },
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output.push(text);
      output.splice(0, output.length - 200);
    });
  }
  const stop = async () => {
    await end(server);
    await rm(home, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}/v1`;
  try {
    await ready(`http://127.0.0.1:${port}/health`, server, output);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, name, stop };
}

/** The folder for PYTHONPATH with what `transformers[serving]` needs beside the trainer's packages. */
async function ensurePackages(): Promise<string> {
  const lock = fileOf("tests/serving/requirements.lock");
  return once(["packages", await readFile(lock, "utf8"), testPython()], async (folder) => {
    const target = ["--no-deps", "--require-hashes", "--target", folder, "-r", lock];
    if ((await findUv()) !== null) {
      await run("uv", ["pip", "install", "--python", testPython(), ...target]);
    } else {
      const { path } = await findPython({ needsVenv: false });
      await run(path, ["-m", "pip", "install", "--quiet", "--no-input", ...target]);
    }
  });
}

async function ensureWeightsFolder(): Promise<string> {
  const script = fileOf("tests/serving/convert.py");
  const determining = [await hashFile(testModel()), await readFile(script, "utf8")];
  return once(["weights", ...determining], async (folder) => {
    const env = { ...process.env, PYTHONPATH: fileOf("trainer"), HF_HUB_OFFLINE: "1" };
    await run(testPython(), [script, testModel(), folder], env);
  });
}

/** A folder of the cache that depends on its key alone: made beside, then renamed. */
async function once(
  key: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheDirectory(), "serving", sha256(key).slice(0, 16));
  if (existsSync(folder)) return folder;
  await mkdir(join(folder, ".."), { recursive: true });
  return withLock(`${folder}.lock`, {}, async () => {
    if (existsSync(folder)) return folder;
    const beside = `${folder}.tmp`;
    await rm(beside, { recursive: true, force: true });
    await make(beside);
    await rename(beside, folder);
    return folder;
  });
}

async function run(command: string, args: readonly string[], env = process.env): Promise<void> {
  const { exitCode, tail } = await runTool(command, args, { env, timeoutMs: 600_000 });
  if (exitCode === 0) return;
  throw new Error(`${command} ${args.join(" ")} failed:\n${tail.slice(-20).join("\n")}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

async function ready(url: string, server: ChildProcess, output: readonly string[]): Promise<void> {
  const deadline = performance.now() + startMs;
  while (performance.now() < deadline && server.exitCode === null) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await sleep(500);
  }
  throw new Error(`transformers serve did not come up:\n${output.join("").slice(-4000)}`);
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once("close", resolve));
  server.kill("SIGTERM");
  const killer = setTimeout(() => server.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(killer);
}
