import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { frozenTasks } from "../../src/controller/run.js";
import { Store } from "../../src/store/store.js";
import { digestOf } from "../support/digest.js";
import { failpoints } from "../support/failpoints.js";
import { scriptedRun } from "../support/scripted-run.js";
import { ask, databaseOf, expectSame, folder, sampled, work } from "./harness.js";

// Written by the release whose newest migration is 001: the run old-1 has finished, half-1 was
// killed in its second round. A released file is never written again; each schema gets its own.
const released = gunzipSync(readFileSync("tests/fixtures/databases/001.db.gz"));
const runs = ["old-1", "half-1"];

function oldWorkspace(): string {
  const where = folder();
  mkdirSync(`${where}/memory`);
  writeFileSync(databaseOf(where), released);
  return where;
}

/** The columns that 001 had, of the rows of one run. */
function rowsOf(where: string, run: string): unknown {
  const db = new Database(databaseOf(where), { readonly: true });
  try {
    return ["decisions", "evaluations", "examples", "stages", "attempts", "verdicts"].map((table) =>
      db.prepare(`SELECT * FROM ${table} WHERE run_id = ? ORDER BY 1, 2, 3, 4`).raw().all(run),
    );
  } finally {
    db.close();
  }
}

async function workThrough(where: string, runId: string): Promise<void> {
  const store = Store.open(databaseOf(where), "memory/migrations");
  const { recipe } = store.runs.find(runId)!;
  store.close();
  const run = await scriptedRun(where, recipe, { runId });
  await run.work();
  run.store.close();
}

const taskOrder = (run: string) =>
  `SELECT group_concat(id) FROM (SELECT id FROM tasks WHERE run_id = '${run}' ORDER BY position)`;

/** What today's program makes of the same runs, from their beginning. */
async function undisturbed(): Promise<Record<string, string>> {
  const [from, where] = [oldWorkspace(), folder()];
  const old = Store.open(databaseOf(from), "memory/migrations");
  for (const id of runs) {
    const store = Store.open(databaseOf(where), "memory/migrations");
    const order = String(ask(from, taskOrder(id))).split(",");
    const tasks = Object.values(frozenTasks(old, id)).flat();
    tasks.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
    store.transaction(() => {
      store.runs.create({ ...old.runs.find(id)!, prompts: old.runs.prompts(id) });
      store.tasks.insertAll(id, tasks);
    });
    store.close();
    await workThrough(where, id);
  }
  old.close();
  // Rounds that ended before there were monitors were read by none, and are not read afterwards.
  const { readings: _readings, ...tables } = digestOf(databaseOf(where));
  return tables;
}

describe("the database of release 0.1.0 (migration 001)", () => {
  // The same for every test: worked out once.
  let twin: Promise<Record<string, string>> | null = null;
  const undisturbedOnce = () => {
    twin ??= undisturbed();
    return twin;
  };
  it("is migrated; its finished run is as it was, its half-done one goes on to the same end", async () => {
    const where = oldWorkspace();
    expect(ask(where, "PRAGMA user_version")).toBe(1);
    const finished = rowsOf(where, "old-1");
    await workThrough(where, "half-1");
    expect(ask(where, "PRAGMA user_version")).toBeGreaterThan(1);
    expect(rowsOf(where, "old-1")).toEqual(finished);
    expectSame("28 database of an older release", where, await undisturbedOnce());
  });

  const versions = failpoints().flatMap((point) => {
    const [, version] = /^migration:(\d+):before$/.exec(point) ?? [];
    return version === undefined || version === "1" ? [] : [Number(version)];
  });
  const places = failpoints().flatMap((point) => /^migration:2:(\w+)$/.exec(point)?.[1] ?? []);
  // A released migration is never changed: of those a sample, and always the newest.
  it.each([...sampled(versions.slice(0, -1), 4), ...versions.slice(-1)])(
    "killed all around migration %i is whole, and the next start completes it",
    async (version) => {
      const where = oldWorkspace();
      const before = rowsOf(where, "half-1");
      const previous = Math.max(1, ...versions.filter((each) => each < version));
      expect(places.toSorted()).toEqual(["after", "before", "within"]);
      // Each kill begins where the last one left it; there is nothing to kill in once it is done.
      for (const place of ["before", "within", "after"]) {
        const failpoint = `migration:${version}:${place}`;
        expect(work(where, folder(), { failpoint }).signal).toBe("SIGKILL");
        expect(ask(where, "PRAGMA user_version")).toBe(place === "after" ? version : previous);
        expect(ask(where, "PRAGMA integrity_check")).toBe("ok");
        expect(rowsOf(where, "half-1")).toEqual(before);
      }
      await workThrough(where, "half-1");
      expectSame("5 kill during a migration", where, await undisturbedOnce());
    },
  );
});
