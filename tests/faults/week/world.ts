import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { sumsFile } from "../../support/scripted-run.js";
import { clockVariable, firedFile, type Mishap, type Plan, planVariable } from "./plan.js";
import { weekPrompts } from "./recipe.js";

const program = [
  ...["--import", pathToFileURL(resolve("node_modules/tsx/dist/loader.mjs")).href],
  ...["--import", pathToFileURL(resolve("tests/faults/week/hook.mjs")).href],
  resolve("src/cli/main.ts"),
];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly text: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export interface Life {
  /** A failpoint's name, with `@n` and perhaps `/SIGSTOP`. */
  readonly failpoint?: string;
  readonly plan?: Plan;
  readonly env?: Record<string, string>;
  /** Killed at the latest when it is about to give so many answers. */
  readonly cap?: number;
}

export const runId = "week-1";

/** A workspace and the simulated world around it. */
export class World {
  /** How often each kind of fault really happened. */
  readonly fired = new Map<string, number>();
  /** How the processes ended, for the summary. */
  lives = 0;
  private counted = 0;

  constructor(
    readonly folder: string,
    recipe: string,
    readonly random: () => number,
  ) {
    mkdirSync(folder, { recursive: true });
    sumsFile(folder, 400);
    writeFileSync(join(folder, "recipe.yaml"), recipe);
    for (const [path, text] of weekPrompts) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  }

  get database(): string {
    return join(this.folder, "memory", "redistill.db");
  }

  private get clock(): string {
    return join(this.folder, "clock");
  }

  /** The time of the simulated world. */
  now(): number {
    return Number(readFileSync(this.clock, "utf8"));
  }

  /** The world goes on while its processes stand still. */
  goOn(milliseconds: number): void {
    writeFileSync(this.clock, `${this.now() + milliseconds}`);
  }

  get faults(): number {
    return [...this.fired.values()].reduce((sum, count) => sum + count, 0);
  }

  upTo(limit: number): number {
    return 1 + Math.floor(this.random() * limit);
  }

  oneOf<T>(values: readonly T[]): T {
    return values[Math.floor(this.random() * values.length)] as T;
  }

  count(kind: string, times = 1): void {
    if (times > 0) this.fired.set(kind, (this.fired.get(kind) ?? 0) + times);
  }

  /** One value of the database, null while there is none. */
  ask(sql: string): unknown {
    try {
      const db = new Database(this.database, { readonly: true, fileMustExist: true });
      try {
        return db.prepare(sql).pluck().get() ?? null;
      } finally {
        db.close();
      }
    } catch {
      return null;
    }
  }

  /** Starts any command of the program. */
  start(args: readonly string[], { failpoint, plan = {}, env = {}, cap }: Life = {}): Started {
    const atAnswer = [...(plan.atAnswer ?? [])];
    if (cap !== undefined) atAnswer.push({ answer: cap, what: { do: "kill" } satisfies Mishap });
    const child = spawn(process.execPath, [...program, ...args], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        ...{ npm_command: undefined, [clockVariable]: this.clock },
        [planVariable]: JSON.stringify({ ...plan, atAnswer }),
        ...(failpoint ? { REDISTILL_FAILPOINT: failpoint } : {}),
        ...env,
      },
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        text = (text + data.toString()).slice(-20_000);
      });
      stream?.on("error", () => {});
    }
    const ended = new Promise<Ended>((done) => {
      child.once("close", (code, signal) => done({ code, signal, text }));
    });
    return { child, ended };
  }

  /** Starts work on the run: the first time, or where it stands. */
  begin(life: Life = {}): Started {
    this.lives++;
    const isThere = this.ask(`SELECT count(*) FROM runs`) === 1;
    return this.start(isThere ? ["resume", runId] : ["run", "recipe.yaml"], life);
  }

  /** Works on the run to the end of that process; mishaps inside it are counted. */
  async live(life: Life = {}): Promise<Ended> {
    return this.watch(this.begin(life));
  }

  /** Waits for a process and counts what happened inside it. */
  async watch(started: Started): Promise<Ended> {
    const ended = await started.ended;
    const all = this.mishaps();
    for (const kind of all.slice(this.counted)) {
      this.count(kind === "kill" ? "killed at a random answer" : kind.replaceAll("-", " "));
    }
    this.counted = all.length;
    return ended;
  }

  private mishaps(): string[] {
    const path = join(this.folder, firedFile);
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
  }
}

/** Waits until something is so, or a process has ended. */
export async function until(condition: () => boolean, { child }: Started): Promise<boolean> {
  const end = performance.now() + 60_000;
  while (!condition()) {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    if (performance.now() > end) throw new Error("waited for a minute in vain");
    await sleep(5);
  }
  return true;
}
