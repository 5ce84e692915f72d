// Two real runs of one recipe: one that nobody touches, one that is killed again and again with
// SIGKILL at random moments. Both must end with the same rows, decisions and report.
//
//   npm run build && npm run faults:twin -- --recipe runs/recipes/quickstart.yaml --kills 20 --seed 1
//
// --folder keeps both workspaces (and goes on with them); --tasks is passed on; --together works on
// both at once, which suits a recipe of one thread (tests/faults/two-hours.yaml) on two cores.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { randomFrom } from "../../src/core/random.js";
import { digestOf } from "../support/digest.js";

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: {
    recipe: text,
    tasks: text,
    kills: text,
    seed: text,
    folder: text,
    longest: text,
    together: { type: "boolean", default: false },
  },
});
const recipe = resolve(values.recipe ?? "runs/recipes/quickstart.yaml");
const kills = Number(values.kills ?? 20);
const seed = Number(values.seed ?? 1);
/** Longest time from a start to the next kill, in seconds; loading weights takes part of it. */
const longest = Number(values.longest ?? 90);
const folder = resolve(values.folder ?? mkdtempSync(join(tmpdir(), "redistill-twin-")));
const program = resolve("dist/cli/main.js");
const random = randomFrom(seed);

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  /** Seconds from the start to the line that says that work goes on, and to its first progress. */
  readonly toWork: { readonly loaded: number | null; readonly first: number | null };
  readonly stage: string;
}

/** Starts or resumes the run; kills it after so many seconds, or lets it end. */
function work(where: string, killAfter: number | null): Promise<Ended> {
  mkdirSync(where, { recursive: true });
  const begin = ["run", recipe, ...(values.tasks ? ["--tasks", resolve(values.tasks)] : [])];
  const args = ["--json", ...(hasRun(where) ? ["resume"] : begin)];
  const child = spawn(process.execPath, [program, ...args], {
    cwd: where,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const started = performance.now();
  const toWork = { loaded: null as number | null, first: null as number | null };
  let stage = "start";
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.filter((each) => each.startsWith("{"))) {
      const event = JSON.parse(line);
      const now = (performance.now() - started) / 1000;
      if (event.kind === "run") toWork.loaded ??= now;
      if (event.kind === "items" || event.kind === "training") toWork.first ??= now;
      if (event.kind === "stage") stage = `round ${event.round} ${event.stage}`;
    }
  });
  const timer =
    killAfter === null ? null : setTimeout(() => child.kill("SIGKILL"), killAfter * 1000);
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code, signal) => {
      if (timer !== null) clearTimeout(timer);
      done({ signal, code, toWork, stage });
    });
  });
}

const databaseIn = (where: string) => join(where, "memory", "redistill.db");

function hasRun(where: string): boolean {
  if (!existsSync(databaseIn(where))) return false;
  const db = new Database(databaseIn(where), { readonly: true });
  try {
    return db.prepare("SELECT count(*) FROM runs").pluck().get() !== 0;
  } catch {
    return false; // killed before the tables were there
  } finally {
    db.close();
  }
}

function decisionsIn(where: string): unknown[] {
  const db = new Database(databaseIn(where), { readonly: true });
  try {
    return db.prepare("SELECT run_id, round, outcome, reason FROM decisions ORDER BY 1, 2").all();
  } finally {
    db.close();
  }
}

/** The part of the reports that does not say how it went. */
function reportsIn(where: string): string[] {
  const db = new Database(databaseIn(where), { readonly: true });
  const ids = db.prepare<[], string>("SELECT id FROM runs ORDER BY 1").pluck().all();
  db.close();
  return ids.map(
    (id) =>
      readFileSync(join(where, "runs", id, "report.md"), "utf8").split("## How it went")[0] ?? "",
  );
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const [calm, disturbed] = [join(folder, "calm"), join(folder, "disturbed")];
console.log(`${recipe}, ${kills} kills, seed ${seed}, in ${folder}`);
const untouched = work(calm, null);
if (!values.together) await untouched;
const moments: Ended[] = [];
while (moments.length < kills) {
  const ended = await work(disturbed, 3 + random() * longest);
  if (ended.signal !== "SIGKILL") {
    if (ended.code !== 0) fail(`the disturbed run ended with exit code ${ended.code}`);
    console.log(`it was finished after ${moments.length} kills: use --longest less or more rounds`);
    break;
  }
  moments.push(ended);
  console.log(`kill ${moments.length}: ${ended.stage}`);
}
const { code } = await work(disturbed, null);
if (code !== 0) fail(`the disturbed run ended with exit code ${code}`);
const calmly = await untouched;
if (calmly.code !== 0) fail(`the untouched run ended with exit code ${calmly.code}`);

const [expected, found] = [digestOf(databaseIn(calm)), digestOf(databaseIn(disturbed))];
const different = Object.keys(expected).filter((table) => expected[table] !== found[table]);
const sameDecisions = JSON.stringify(decisionsIn(calm)) === JSON.stringify(decisionsIn(disturbed));
const sameReports = JSON.stringify(reportsIn(calm)) === JSON.stringify(reportsIn(disturbed));
const waits = moments.flatMap(({ toWork: { loaded, first } }) =>
  loaded === null || first === null ? [] : [first - loaded],
);
const median = [...waits].sort((a, b) => a - b)[Math.floor(waits.length / 2)];
console.log(JSON.stringify(decisionsIn(disturbed), null, 2));
console.log(`kills: ${moments.length}`);
console.log(
  `from loaded weights to work that goes on: median ${median?.toFixed(2) ?? "-"} s, at most ${waits.length > 0 ? Math.max(...waits).toFixed(2) : "-"} s (${waits.length} starts)`,
);
console.log(`tables that differ: ${different.join(", ") || "none"}`);
console.log(`decisions: ${sameDecisions ? "the same" : "DIFFERENT"}`);
console.log(`reports: ${sameReports ? "the same" : "DIFFERENT"}`);
process.exit(
  different.length === 0 && sameDecisions && sameReports && moments.length === kills ? 0 : 1,
);
