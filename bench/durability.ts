// Durable items per second on one core: redistill's loop, LangGraph's and openworkflow's SQLite.
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runTool } from "../src/setup/run-tool.js";
import {
  interleaved,
  median,
  type PlainSurroundings,
  plainBenchmark,
  printTable,
  ratio,
  spread,
} from "./support/benchmark.js";
import { installPeers } from "./support/peers.js";

/** What the model "answers": a paragraph, the same for all. */
const answer = "The sum is found by adding the units first and carrying what is left over. ".repeat(
  4,
);

interface Measured {
  readonly seconds: number;
  readonly items: number;
  readonly settings: { readonly journal: string; readonly synchronous: number };
  readonly sqlite: string;
  readonly node: string;
}

interface Case {
  readonly name: string;
  readonly command: readonly string[];
  readonly bare?: boolean;
  /** Items that are done side by side. */
  readonly atOnce?: number;
}

/** As many as the engine of the quickstart writes side by side when all of them end together. */
const together = 64;

const ours = [process.execPath, "--import", "tsx", "bench/support/durability-ours.ts"];

async function cases(signal: AbortSignal): Promise<Case[]> {
  const made: Case[] = [{ name: "redistill", command: ours }];
  for (const peer of [langgraph, openworkflow]) {
    const found = await peer(signal);
    if ("why" in found) console.log(`\n**${found.name} is missing: ${found.why}.**`);
    else made.push(found);
  }
  return [
    { name: "bare INSERT, for scale", command: ours, bare: true },
    ...[1, together].flatMap((atOnce) => made.map((item) => ({ ...item, atOnce }))),
  ];
}

/** A peer's script beside its packages: that is where Node looks for them. */
function scriptIn(folder: string, name: string): string {
  const script = join(folder, name);
  copyFileSync(join("bench", "support", name), script);
  return script;
}

async function langgraph(signal: AbortSignal): Promise<Case | { name: string; why: string }> {
  const name = "@langchain/langgraph-checkpoint-sqlite 1.0.4";
  const made = await installPeers(
    {
      "@langchain/langgraph-checkpoint-sqlite": "1.0.4",
      "@langchain/langgraph": "1.7.3",
      "@langchain/core": "1.4.0",
      "better-sqlite3": "12.11.1",
    },
    signal,
  );
  if ("why" in made) return { name, why: made.why };
  return { name, command: [process.execPath, scriptIn(made.folder, "durability-langgraph.mjs")] };
}

/** Its SQLite backend is made on node:sqlite, which came with Node 22.5; under an older one npm's Node 22 runs it. */
async function openworkflow(signal: AbortSignal): Promise<Case | { name: string; why: string }> {
  const name = "openworkflow 0.10.1";
  const own = process.getBuiltinModule?.("node:sqlite") !== undefined;
  const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const made = await installPeers(
    { openworkflow: "0.10.1", ...(own ? {} : { [`node-${platform}`]: "22.23.3" }) },
    signal,
  );
  if ("why" in made) return { name, why: made.why };
  const node = own
    ? process.execPath
    : join(made.folder, "node_modules", `node-${platform}`, "bin", "node");
  if (!existsSync(node))
    return { name, why: `its SQLite backend needs Node 22.5, and npm has none for ${platform}` };
  return { name, command: [node, scriptIn(made.folder, "durability-openworkflow.mjs")] };
}

/** One process on one core, on a database of its own. */
async function measure(
  { name, command, bare = false, atOnce = 1 }: Case,
  { size, signal }: PlainSurroundings,
): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "redistill-bench-"));
  try {
    const [program = "", ...args] = [
      ...(process.platform === "linux" ? ["taskset", "-c", "0"] : []),
      ...command,
      JSON.stringify({ folder, items: size, answer, bare, atOnce }),
    ];
    const result = await runTool(program, args, { signal, cwd: resolve(".") });
    if (result.exitCode !== 0) throw new Error(`${name} failed:\n${result.tail.join("\n")}`);
    return JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await plainBenchmark(
  {
    name: "durability",
    defaults: { repetitions: 5, size: 4000 },
    unit: "items",
  },
  async (surroundings) => {
    const all = await cases(surroundings.signal);
    if (process.platform === "linux") console.log("- each process is held on core 0");
    const measured = await interleaved(all, surroundings, (item) => measure(item, surroundings));
    const speeds = measured.map(({ results }) =>
      results.map(({ items, seconds }) => items / seconds),
    );
    console.log("\nThree figures are minimum / median / maximum.");
    printTable(
      ["", "at once", "items/s", "journal_mode", "synchronous", "SQLite", "Node"],
      measured.map(({ item, results }, i) => {
        const { settings, sqlite, node } = results[0]!;
        return [
          item.name,
          String(item.atOnce ?? 1),
          spread(speeds[i]!, 0),
          settings.journal,
          `${settings.synchronous} (${["OFF", "NORMAL", "FULL", "EXTRA"][settings.synchronous]})`,
          ...[sqlite, node],
        ];
      }),
    );
    for (const atOnce of [1, together]) {
      const [own = [], ...peers] = speeds.filter((_, i) => measured[i]?.item.atOnce === atOnce);
      const best = peers.toSorted((a, b) => median(b) - median(a))[0];
      if (best)
        console.log(`\n- ${atOnce} at once, redistill to the faster peer: ${ratio(own, best)}`);
    }
  },
);
