import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { beforeAll, describe, expect, it } from "vitest";
import { childScript } from "../support/child.js";
import { digestOf } from "../support/digest.js";
import { sumsFile } from "../support/scripted-run.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-"));
const tasks = folder();
const databaseOf = (where: string) => join(where, "memory", "redistill.db");

function work(where: string, action: string, failpoint?: string): number | string {
  const env = { ...process.env };
  if (failpoint) env.REDISTILL_FAILPOINT = failpoint;
  const child = spawnSync(
    process.execPath,
    [childScript("unhealthy-child"), where, tasks, action],
    { env, encoding: "utf8" },
  );
  if (child.signal === null && child.status !== 0 && child.status !== 75)
    throw new Error(child.stderr);
  return child.signal ?? (child.status as number);
}

/** What the monitors did, in order: an action that happened twice or never would show here. */
function actionsIn(where: string): unknown[] {
  const db = new Database(databaseOf(where), { readonly: true });
  const kinds = "('health', 'rolled back', 'paused', 'promoted', 'rejected')";
  const rows = db
    .prepare(`SELECT round, kind, payload FROM events WHERE kind IN ${kinds} ORDER BY sequence`)
    .all();
  db.close();
  return rows;
}

beforeAll(() => {
  sumsFile(tasks, 160);
});

describe.each([
  { action: "stop", ends: [75, 75, 0] },
  { action: "roll-back", ends: [0] },
])("a run whose monitors say $action", ({ action, ends }) => {
  const undisturbed = folder();
  beforeAll(() => {
    expect(ends.map(() => work(undisturbed, action))).toEqual(ends);
  });

  it.each([
    "stage:gate:before@1",
    "stage:gate:after@1",
    "stage:gate:before@2",
    "stage:gate:after@2",
  ])("killed at %s does it once", (failpoint) => {
    const where = folder();
    const killed: (number | string)[] = [];
    // A run that is paused comes by the second point only after it was resumed.
    const [name, count] = failpoint.split("@");
    if (action === "stop" && count === "2") killed.push(work(where, action));
    const point = action === "stop" ? `${name}@1` : failpoint;
    killed.push(work(where, action, point));
    expect(killed.at(-1)).toBe("SIGKILL");
    const rest = ends.slice(killed.length - 1).map(() => work(where, action));
    expect([...killed.slice(0, -1), ...rest]).toEqual(ends);
    expect(digestOf(databaseOf(where))).toEqual(digestOf(databaseOf(undisturbed)));
    expect(actionsIn(where)).toEqual(actionsIn(undisturbed));
  });
});
