// From SIGKILL to the first question that was not paid for before, without loading a model.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  interleaved,
  type PlainSurroundings,
  plainBenchmark,
  spread,
} from "./support/benchmark.js";

function start(folder: string, answers: number, stop: number): ChildProcess {
  const script = join("bench", "support", "recovery-child.ts");
  const parts = ["--import", "tsx", script, folder, String(answers), String(stop)];
  return spawn(process.execPath, parts, { stdio: ["ignore", "pipe", "inherit"] });
}

/** The first line of a process that begins with a word. */
async function lineOf(child: ChildProcess, word: string): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith(word)) return line;
  }
  throw new Error(`the process ended without saying ${word}`);
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** Kills a run in the middle of a stage, starts it again, and gives the seconds between. */
async function measure({ size }: PlainSurroundings): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "redistill-bench-"));
  try {
    const first = start(folder, size, Math.floor(size / 2));
    await lineOf(first, "enough");
    const killedAt = performance.timeOrigin + performance.now();
    await kill(first);
    const second = start(folder, size, size);
    const answeredAt = Number((await lineOf(second, "first")).split(" ")[1]);
    await kill(second);
    return (answeredAt - killedAt) / 1000;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await plainBenchmark(
  {
    name: "recovery",
    defaults: { repetitions: 5, size: 2000 },
    unit: "questions of the stage, half of them answered before the kill",
  },
  async (surroundings) => {
    const [measured] = await interleaved(["killed"], surroundings, () => measure(surroundings));
    console.log("\nMinimum / median / maximum.");
    console.log(
      `- SIGKILL to the first new question, in seconds: ${spread(measured?.results ?? [], 2)}`,
    );
  },
);
