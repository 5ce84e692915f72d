import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { EngineProcess } from "../../src/models/embedded/engine-process.js";
import { type Patience, usualPatience } from "../../src/models/embedded/silence.js";
import { childScript } from "./child.js";

/** How the engine of tests/support/fake-engine.ts misbehaves. */
export interface FaultPlan {
  /** What happens to a request with this text in its last message: each time, or so many times. */
  readonly faults: readonly {
    readonly match: string;
    readonly how: "crash" | "hang" | "spin" | "crash with parent";
    readonly times?: number;
  }[];
  /** It crashes when more answers than this are to be written side by side. */
  readonly widest?: number;
  readonly start?: "crash" | "hang";
  /** Loads for so many tenths of a second, and says so. */
  readonly loadParts?: number;
}

/** Short, so that a hang is found soon; a start through tsx takes a second or two. */
const shortPatience: Patience = { ...usualPatience, tickMs: 50, stepMs: 1_500, firstMs: 15_000 };

const signal = new AbortController().signal;

/** The fake engine in a real process; `path` is where its faults, its ledger and its pids are. */
export function startFakeEngine(
  path: string,
  plan: Partial<FaultPlan> = {},
  patience: Partial<Patience> = {},
  sequences = 4,
): Promise<EngineProcess> {
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path)) writeFileSync(path, JSON.stringify({ faults: [], ...plan }));
  return EngineProcess.start(
    {
      ...{
        modelPath: path,
        modelSha256: "0".repeat(64),
        contextTokens: 512,
        threads: 1,
        sequences,
      },
      program: { script: childScript("fake-engine"), execArgv: [] },
      patience: { ...shortPatience, ...patience },
    },
    signal,
  );
}

const lines = (path: string) =>
  existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];

/** The processes that were started, in order. */
export const pidsOf = (path: string) => lines(`${path}.pids`).map(Number);

/** The requests that were taken up, in order, as JSON. */
export const ledgerOf = (path: string) => lines(`${path}.ledger`);
