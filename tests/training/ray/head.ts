// A real Ray head on this machine for tests: installed once in the cache folder, on loopback only, ended by its pids.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findPython, findUv } from "../../../src/setup/python.js";
import { ensureTrainerEnvironment } from "../../../src/setup/trainer-environment.js";

/**
 * The interpreter of an environment that has Ray: requirements.lock beside this file, made by
 *   echo 'ray[default]==2.60.0' | uv pip compile --universal --python-version 3.10 --generate-hashes \
 *     --no-emit-index-url --no-annotate --no-header --output-file requirements.lock -
 * About 300 MB; the first time takes a minute or more, by the network.
 */
export async function ensureRay(): Promise<string> {
  const trainerDirectory = fileURLToPath(new URL(".", import.meta.url));
  const python = await findPython({ needsVenv: (await findUv()) === null });
  return ensureTrainerEnvironment({
    ...{ trainerDirectory, python },
    onProgress: ({ message }) => void process.stderr.write(`\r[tests] Ray: ${message}`),
  });
}

export interface RayHead {
  readonly address: string;
  /** Ends every process of the head at once, as a lost machine does. */
  kill(): Promise<void>;
}

export interface HeadPorts {
  readonly dashboard: number;
  readonly agent: number;
  readonly client: number;
}

/** Ports that are free now; a head that comes back takes the same ones. */
export async function freePorts(): Promise<HeadPorts> {
  const one = () =>
    new Promise<number>((resolve) => {
      const server = createServer();
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
      });
    });
  return { dashboard: await one(), agent: await one(), client: await one() };
}

/** Starts what follows so that Linux ends it with us, whatever ends us; Ray binds its other processes to it. */
const bound = `
import ctypes, os, sys
if sys.platform.startswith("linux"): ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
`;

/** @param folder For sessions and logs; a short path, since sockets lie in it. */
export async function startHead(
  python: string,
  folder: string,
  ports: HeadPorts,
): Promise<RayHead> {
  mkdirSync(folder, { recursive: true });
  const log = join(folder, "head.log");
  const output = openSync(log, "a");
  const child = spawn(
    python,
    [
      ...[
        "-c",
        bound,
        "-m",
        "ray.scripts.scripts",
        "start",
        "--head",
        "--block",
        "--disable-usage-stats",
      ],
      ...["--node-ip-address", "127.0.0.1", "--port", "0", "--temp-dir", folder],
      ...["--num-cpus", "1", "--object-store-memory", "80000000", "--include-log-monitor", "false"],
      ...["--include-dashboard", "true", "--dashboard-host", "127.0.0.1"],
      ...["--dashboard-port", `${ports.dashboard}`, "--ray-client-server-port", `${ports.client}`],
      ...["--dashboard-agent-listen-port", `${ports.agent}`],
    ],
    { stdio: ["ignore", output, output], detached: true },
  );
  const address = `http://127.0.0.1:${ports.dashboard}`;
  const head = { address, kill: () => killAll(child) };
  try {
    await untilUp(address, child, log);
  } catch (error) {
    await head.kill();
    throw error;
  }
  return head;
}

/** Up once it accepts jobs: its agent is the last to come. */
async function untilUp(address: string, child: ChildProcess, log: string): Promise<void> {
  for (let attempt = 0; attempt < 240; attempt++) {
    const answer = await fetch(`${address}/api/version`).catch(() => null);
    if (answer?.ok) return;
    if (child.exitCode !== null) break;
    await sleep(500);
  }
  throw new Error(`The Ray head did not come up:\n${readFileSync(log, "utf8").slice(-3_000)}`);
}

/** Kills a process and all below it, those in sessions of their own included. */
async function killAll(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const pids = [child.pid];
  for (const [pid, parent] of processes()) if (pids.includes(parent)) pids.push(pid);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone already.
    }
  }
  while (child.exitCode === null && child.signalCode === null) await sleep(20);
}

/** All processes with their parents, a parent before its children. */
function processes(): [number, number][] {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid=", "--sort=start_time"], {
    encoding: "utf8",
  });
  return lines
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
}
