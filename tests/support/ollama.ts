import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** No test needs one for longer; a server that was forgotten goes by itself. */
const longestLife = 30 * 60_000;
/** To build one, where this machine has none yet. */
export const buildTimeout = 45 * 60_000;

export interface RealOllama {
  readonly url: string;
  stop(): Promise<void>;
}

/** A real Ollama with models and settings of its own, on a free port of this machine. */
export async function startOllama(env: Record<string, string> = {}): Promise<RealOllama> {
  // Not typed: it is a script, too, and imports what was built.
  const script = "../ollama/build.mjs";
  const { ensureOllama } = await import(script);
  const binary: string = await ensureOllama();
  const home = mkdtempSync(join(tmpdir(), "ollama-home-"));
  const port = await freePort();
  const log = openSync(join(home, "log"), "w");
  const child = spawn(binary, ["serve"], {
    env: {
      ...{ PATH: process.env.PATH, HOME: home, OLLAMA_MODELS: join(home, "models") },
      ...{ OLLAMA_HOST: `127.0.0.1:${port}`, OLLAMA_NO_CLOUD: "1" },
      ...env,
    },
    stdio: ["ignore", log, log],
    timeout: longestLife,
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const url = `http://127.0.0.1:${port}`;
  await answering(url, child, join(home, "log"));
  return {
    url,
    async stop() {
      process.off("exit", kill);
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

async function answering(url: string, child: ChildProcess, log: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) break;
    const version = await fetch(`${url}/api/version`).catch(() => null);
    if (version?.ok) return;
    await sleep(100);
  }
  child.kill("SIGKILL");
  throw new Error(`the real Ollama does not answer at ${url}; its log is ${log}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
