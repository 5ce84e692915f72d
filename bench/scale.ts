// A database with a million attempts, and a controller through ten thousand rounds.
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool } from "../src/setup/run-tool.js";
import { interleaved, plainBenchmark, printTable, spread } from "./support/benchmark.js";
import { generateDatabase } from "./support/million.js";

/** Figures of memory that are printed. */
const samples = 20;

async function child(
  script: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const parts = ["--import", "tsx", join("bench", "support", script), ...args];
  const result = await runTool(process.execPath, parts, { signal });
  if (result.exitCode !== 0) throw new Error(`${script} failed:\n${result.tail.join("\n")}`);
  return result.stdout.trim();
}

await plainBenchmark(
  {
    name: "scale",
    defaults: { repetitions: 3, size: 1_000_000, rounds: 10_000 },
    unit: "attempts in the database",
  },
  async (surroundings) => {
    const { size, rounds, signal } = surroundings;
    const folder = mkdtempSync(join(tmpdir(), "redistill-bench-"));
    try {
      mkdirSync(join(folder, "memory"));
      const path = join(folder, "memory", "redistill.db");
      const runId = generateDatabase(path, size);
      console.log(`- database: ${(statSync(path).size / 1e9).toFixed(2)} GB`);
      const commands = ["status", "status <run>", "report"];
      const measured = await interleaved(commands, surroundings, async (command) =>
        JSON.parse(await child("scale-read.ts", [folder, command, runId], signal)),
      );
      console.log(
        "\nThree figures are minimum / median / maximum; a process's start is not in them.",
      );
      printTable(
        ["command", "seconds", "memory before, MiB", "memory at most, MiB"],
        measured.map(({ item, results }) => [
          item,
          spread(
            results.map(({ seconds }) => seconds),
            2,
          ),
          spread(
            results.map(({ before }) => before),
            0,
          ),
          spread(
            results.map(({ peak }) => peak),
            0,
          ),
        ]),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    const workspace = mkdtempSync(join(tmpdir(), "redistill-bench-"));
    try {
      console.error(`a controller through ${rounds} rounds`);
      const args = [workspace, String(rounds), String(samples)];
      const series = (await child("scale-rounds.ts", args, signal))
        .split("\n")
        .map((line) => JSON.parse(line));
      console.log(`\nA controller through ${rounds} rounds, once:`);
      printTable(
        ["round", "resident, MiB", "heap, MiB", "seconds"],
        series.map(({ round, rss, heapUsed, seconds }) => [
          String(round),
          (rss / 2 ** 20).toFixed(0),
          (heapUsed / 2 ** 20).toFixed(0),
          seconds.toFixed(1),
        ]),
      );
    } finally {
      rmSync(workspace, { recursive: true, force: true });
    }
  },
);
