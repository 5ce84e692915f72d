import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, it } from "vitest";
import { stages } from "../../src/stages/index.js";
import { digestOf } from "../support/digest.js";
import { sumsFile } from "../support/scripted-run.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-"));
const tasks = folder();

function work(where: string, failpoint?: string): { signal: string | null; paid: number } {
  const env = { ...process.env };
  if (failpoint) env.REDISTILL_FAILPOINT = failpoint;
  const child = spawnSync(
    process.execPath,
    ["--import", "tsx", "tests/support/scripted-child.ts", where, tasks],
    { env, encoding: "utf8" },
  );
  if (child.signal === null && child.status !== 0) throw new Error(child.stderr);
  return { signal: child.signal, paid: Number(child.stdout) };
}

const databaseOf = (where: string) => join(where, "memory", "redistill.db");
const callsIn = (where: string) => {
  const db = new Database(databaseOf(where), { readonly: true });
  const count = db.prepare("SELECT count(*) FROM calls").pluck().get() as number;
  db.close();
  return count;
};

/** Every failpoint that the source has, so that a new one cannot be forgotten here. */
function failpoints(): string[] {
  const names = readdirSync("src/controller").flatMap((file) => {
    const text = readFileSync(join("src/controller", file), "utf8");
    return [...text.matchAll(/failpoint\([`"]([^`"]+)[`"]\)/g)].map((match) => match[1] as string);
  });
  // In the source a stage's name is still a placeholder.
  const placeholder = `$\{name}`;
  return names.flatMap((name) =>
    name.includes(placeholder) ? stages.map(([stage]) => name.replace(placeholder, stage)) : [name],
  );
}

describe("a run that is killed with SIGKILL", () => {
  const undisturbed = folder();
  let paid = 0;
  let expected: Record<string, string> = {};
  beforeAll(() => {
    sumsFile(tasks, 160);
    paid = work(undisturbed).paid;
    expected = digestOf(databaseOf(undisturbed));
  });

  it("has failpoints around every stage's commit, every call and the end", () => {
    expect(failpoints()).toHaveLength(2 * stages.length + 4);
    expect(paid).toBeGreaterThan(100);
  });

  it.each(failpoints())("at %s ends with the same rows, and pays for nothing twice", (name) => {
    const where = folder();
    // Calls are many: kill in the middle of them. The other points are passed once a round.
    const killed = work(where, name.startsWith("call") ? `${name}@57` : name);
    expect(killed.signal).toBe("SIGKILL");
    const before = callsIn(where);
    const { paid: rest } = work(where);
    expect(before + rest).toBe(paid);
    expect(digestOf(databaseOf(where))).toEqual(expected);
    const db = new Database(databaseOf(where));
    expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
    db.close();
  });

  it("again and again, at every second stage, still ends with the same rows", () => {
    const where = folder();
    let kills = 0;
    for (const [stage] of stages) {
      for (const side of ["before", "after"]) {
        kills += work(where, `stage:${stage}:${side}`).signal === "SIGKILL" ? 1 : 0;
      }
    }
    work(where);
    expect(kills).toBeGreaterThan(stages.length);
    expect(digestOf(databaseOf(where))).toEqual(expected);
  });
});
