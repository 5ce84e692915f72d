// A simulated week that nobody touches, and the same week with faults injected at random: both must
// end with the same rows.
//
//   npm run faults:week -- --seed 1 --faults 500
//
// The program is the real one from its sources, each life a process; clock, model and trainer are
// scripted. --rounds makes the week shorter, --folder keeps both workspaces.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { randomFrom, shuffled } from "../../src/core/random.js";
import { digestOf } from "../support/digest.js";
import { allFaults } from "./week/faults.js";
import { weekBegins } from "./week/plan.js";
import { failingReceiver } from "./week/receiver.js";
import { weekRecipe } from "./week/recipe.js";
import { World } from "./week/world.js";

const text = { type: "string" } as const;
const { values } = parseArgs({
  options: { seed: text, faults: text, rounds: text, folder: text },
});
const seed = Number(values.seed ?? Math.floor(Date.now() / 1000));
const wanted = Number(values.faults ?? 500);
const folder = resolve(values.folder ?? mkdtempSync(join(tmpdir(), "redistill-week-")));
mkdirSync(folder, { recursive: true });
const random = randomFrom(seed);
const receiver = await failingReceiver(random);
const recipe = weekRecipe(Number(values.rounds ?? 14), receiver.address);
const began = performance.now();
console.log(`a simulated week, seed ${seed}, ${wanted} faults, in ${folder}`);

const calm = new World(join(folder, "calm"), recipe, random);
const { code, text: said } = await calm.live();
if (code !== 0) fail(`the untouched week ended with exit code ${code}\n${said}`);
const answers = Number(calm.ask("SELECT count(*) FROM calls"));
console.log(`untouched: ${answers} answers, ${span(calm)}`);

receiver.fail();
const library = faultyLibrary();
if (library === null) console.log("no C compiler on Linux: I/O errors are not injected");
const faults = allFaults(library);
const world = new World(join(folder, "disturbed"), recipe, random);
let names: string[] = [];
let silent = 0;
while (world.faults + receiver.failures() < wanted) {
  if (world.ask("SELECT state FROM runs") === "finished") {
    fail(`the week was over after ${world.faults + receiver.failures()} faults: use more rounds`);
  }
  if (names.length === 0) names = shuffled([...faults.keys()], Math.floor(random() * 2 ** 31));
  const name = names.pop() as string;
  const before = world.faults;
  // What is left to do, shared among the faults that are left; two happen in most lives.
  const left = answers - Number(world.ask("SELECT count(*) FROM calls"));
  const each = (left * 1.6) / Math.max(1, wanted - world.faults);
  await faults.get(name)?.(world, Math.max(2, Math.min(60, world.upTo(Math.ceil(2 * each)))));
  silent = world.faults === before ? silent + 1 : 0;
  if (silent > 40)
    fail("no fault has happened for a long time; what the last process said is above");
  if (world.lives % 25 === 0) {
    console.log(`${world.lives} lives, ${world.faults} faults, ${left} answers left`);
  }
}
const last = await world.live();
if (last.code !== 0) fail(`the disturbed week ended with exit code ${last.code}\n${last.text}`);

for (const [kind, times] of receiver.fired()) world.count(kind, times);
const [expected, found] = [digestOf(calm.database), digestOf(world.database)];
const different = Object.keys(expected).filter((table) => expected[table] !== found[table]);
for (const [kind, times] of [...world.fired].sort()) console.log(`${times}\t${kind}`);
console.log(`disturbed: ${world.lives} processes, ${span(world)}`);
console.log(`seed ${seed}: ${world.faults} faults of ${world.fired.size} kinds`);
console.log(`integrity: ${world.ask("PRAGMA integrity_check")}`);
console.log(`tables that differ: ${different.join(", ") || "none"}`);
console.log(`${Math.round((performance.now() - began) / 1000)} s`);
receiver.close();
if (!values.folder) rmSync(folder, { recursive: true });
process.exit(different.length === 0 ? 0 : 1);

/** How much time passed in the simulated world. */
function span(of: World): string {
  return `${((of.now() - weekBegins) / 86_400_000).toFixed(1)} simulated days`;
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

/** tests/faults/io/faulty.c as a library to preload; null where that is not possible. */
function faultyLibrary(): string | null {
  if (process.platform !== "linux") return null;
  const output = join(folder, "faulty.so");
  const source = resolve("tests/faults/io/faulty.c");
  const { status } = spawnSync("cc", ["-shared", "-fPIC", "-O1", "-o", output, source, "-ldl"]);
  return status === 0 ? output : null;
}
