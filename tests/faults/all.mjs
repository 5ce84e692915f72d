// Every fault instead of a sample, and what came of it: `npm run test:faults [-- vitest options]`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "redistill-faults-"));
const log = join(folder, "faults.jsonl");
writeFileSync(log, "");
const vitest = join("node_modules", "vitest", "vitest.mjs");
const { status } = spawnSync(
  process.execPath,
  [vitest, "run", "tests/faults", ...process.argv.slice(2)],
  {
    stdio: "inherit",
    env: { ...process.env, REDISTILL_FAULTS: "all", REDISTILL_FAULTS_LOG: log },
  },
);
const faults = readFileSync(log, "utf8")
  .split("\n")
  .filter(Boolean)
  .map((line) => JSON.parse(line));
const kinds = new Set(faults.map(({ fault }) => fault));
const count = faults.reduce((sum, { times }) => sum + times, 0);
const losses = faults.reduce((sum, { lost }) => sum + lost, 0);
console.log(`\n${count} faults fired, of ${kinds.size} kinds; ${losses} losses`);
rmSync(folder, { recursive: true });
process.exitCode = status === 0 && losses === 0 && count > 0 ? 0 : 1;
