import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { workspaceAt } from "../../src/cli/paths.js";
import { sha256 } from "../../src/core/hash.js";
import { collectGarbage, type GcResult } from "../../src/operations/gc.js";
import { digestOf } from "../support/digest.js";
import {
  backUp,
  besideUs,
  databaseOf,
  failpointsOf,
  filesIn,
  finishedFolder,
  inChild,
  operating,
  problemsOf,
  temporaryFolder,
  whileRunning,
} from "./support.js";

/** Long after everything that the tests make. */
const now = new Date("2036-01-01T00:00:00Z");
/** No process has this number: it is above the largest that Linux gives. */
const deadPid = 2 ** 22 + 1;

function gc(
  folder: string,
  options: { yes?: boolean; rejectedDays?: number; now?: Date } = {},
): Promise<GcResult> {
  return collectGarbage(workspaceAt(folder), {
    ...{ ...operating, yes: options.yes ?? false, rejectedDays: options.rejectedDays ?? null },
    ...{ cache: join(folder, "cache"), trainer: join(folder, "trainer"), now: options.now ?? now },
  });
}

function change(folder: string, sql: string): void {
  const db = new Database(databaseOf(folder));
  db.pragma("foreign_keys = OFF");
  db.exec(sql);
  db.close();
}

const kinds = ({ items }: GcResult) => items.map(({ kind }) => kind);
const adaptersOf = (folder: string) => join(folder, "memory", "adapters");

/** A job folder that no row speaks of. */
function strayJob(folder: string, model: string): string {
  const job = join(adaptersOf(folder), "feedfeedfeedfeed");
  mkdirSync(join(job, "adapter", "checkpoint"), { recursive: true });
  writeFileSync(join(job, "job.json"), JSON.stringify({ model_sha256: model }));
  writeFileSync(join(job, "adapter", "checkpoint", "optimizer.pt"), "x".repeat(5_000));
  return job;
}

const model = "0".repeat(64);

describe("gc", () => {
  it("finds nothing in a workspace that needs everything", async () => {
    const folder = await finishedFolder();
    const before = filesIn(folder);
    expect((await gc(folder, { yes: true })).items).toEqual([]);
    expect(filesIn(folder)).toEqual(before);
  });

  it("says what would go and touches nothing, and takes it away when told to", async () => {
    const folder = await finishedFolder();
    const digest = digestOf(databaseOf(folder));
    const job = strayJob(folder, model);
    const kept = readdirSync(adaptersOf(folder)).find((name) => name !== "feedfeedfeedfeed")!;
    const checkpoint = join(adaptersOf(folder), kept, "adapter", "checkpoint");
    mkdirSync(checkpoint);
    writeFileSync(join(checkpoint, "optimizer.pt"), "y".repeat(300));
    const before = filesIn(folder);
    const told = await gc(folder);
    expect(kinds(told).sort()).toEqual(["checkpoint", "job"]);
    expect(told.bytes).toBe(5_300 + JSON.stringify({ model_sha256: model }).length);
    expect(told.items.map(({ fate }) => fate)).toEqual(["would go", "would go"]);
    expect(filesIn(folder)).toEqual(before);
    const done = await gc(folder, { yes: true });
    expect(done.bytes).toBe(told.bytes);
    expect(existsSync(job)).toBe(false);
    expect(existsSync(checkpoint)).toBe(false);
    expect(existsSync(join(adaptersOf(folder), ".collected"))).toBe(false);
    expect(digestOf(databaseOf(folder))).toEqual(digest);
    expect(await problemsOf(folder)).toEqual([]);
    expect((await gc(folder, { yes: true })).items).toEqual([]);
  });

  it("leaves a training that an unfinished run of the same weights may go on with", async () => {
    const folder = await finishedFolder();
    const job = strayJob(folder, model);
    change(folder, "UPDATE runs SET state = 'interrupted'");
    expect((await gc(folder, { yes: true, rejectedDays: 0 })).items).toEqual([]);
    expect(existsSync(job)).toBe(true);
    rmSync(join(job, "job.json"));
    // Whose it is cannot be read: it may be that run's.
    expect((await gc(folder, { yes: true })).items).toEqual([]);
    writeFileSync(join(job, "job.json"), JSON.stringify({ model_sha256: "1".repeat(64) }));
    expect(kinds(await gc(folder, { yes: true }))).toEqual(["job"]);
  });

  it("leaves what another database of the workspace speaks of", async () => {
    const folder = await finishedFolder();
    await backUp(folder, "copy");
    writeFileSync(join(folder, "other.db"), readFileSync(databaseOf(join(folder, "copy"))));
    writeFileSync(join(folder, "notes.db"), "no database");
    change(folder, "DELETE FROM rounds; UPDATE runs SET incumbent = NULL; DELETE FROM adapters");
    expect(kinds(await gc(folder))).toEqual([]);
    rmSync(join(folder, "other.db"));
    expect(kinds(await gc(folder))).toEqual(["job", "job"]);
  });

  it("takes rejected candidates only when asked, only old ones, and keeps their rows", async () => {
    const folder = await finishedFolder();
    change(
      folder,
      `UPDATE decisions SET outcome = 'rejected' WHERE round = 2;
       UPDATE runs SET incumbent = (SELECT candidate FROM rounds WHERE number = 1);`,
    );
    const rejected = new Database(databaseOf(folder), { readonly: true });
    const rows = rejected
      .prepare(
        "SELECT r.number, gguf_path AS path FROM rounds r JOIN adapters ON sha256 = candidate",
      )
      .all() as { number: number; path: string }[];
    rejected.close();
    const pathOf = (round: number) => join(folder, rows.find((row) => row.number === round)!.path);
    expect(kinds(await gc(folder))).toEqual([]);
    expect(kinds(await gc(folder, { rejectedDays: 36_500 }))).toEqual([]);
    const parentOfFirst = (round: number | null) =>
      change(
        folder,
        `UPDATE adapters SET parent = (SELECT candidate FROM rounds WHERE number = ${round})
          WHERE sha256 = (SELECT candidate FROM rounds WHERE number = 1)`,
      );
    // What another one grew from is never taken.
    parentOfFirst(2);
    expect(kinds(await gc(folder, { rejectedDays: 30 }))).toEqual([]);
    parentOfFirst(null);
    expect(kinds(await gc(folder, { rejectedDays: 30, yes: true }))).toEqual(["rejected"]);
    expect(existsSync(pathOf(1))).toBe(true);
    expect(existsSync(pathOf(2))).toBe(false);
    expect(await problemsOf(folder)).toEqual([]);
    expect(await backUp(folder, "copy")).toMatchObject({ adapters: 2 });
    expect(filesIn(join(folder, "copy")).filter((name) => name.endsWith(".gguf"))).toHaveLength(1);
    // Nor is one that is or was an incumbent.
    change(folder, "UPDATE decisions SET outcome = 'rejected'");
    expect(kinds(await gc(folder, { rejectedDays: 0 }))).toEqual([]);
  });

  it("takes calls of runs that are gone, but none that is used or could be found again", async () => {
    const folder = await finishedFolder();
    const db = () => new Database(databaseOf(folder), { readonly: true });
    const count = () => {
      const reader = db();
      const calls = reader.prepare("SELECT count(*) FROM calls").pluck().get() as number;
      reader.close();
      return calls;
    };
    const before = count();
    change(
      folder,
      `WITH RECURSIVE series (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM series WHERE value < 30)
       INSERT INTO calls SELECT 'stray' || calls.rowid || '-' || value, model_digest, adapter, messages, sampling, text,
         stop_reason, 1, 1, 1, 1, 'deleted-1', 1, 'generate', created_at
         FROM calls, series WHERE calls.rowid <= 200`,
    );
    const strays = count() - before;
    change(folder, "UPDATE calls SET paid_by_run = 'deleted-1'");
    const told = await gc(folder);
    expect(told.items[0]?.what).toContain(`${strays} answers`);
    expect(told).toMatchObject({ bytes: 0 });
    change(folder, "UPDATE runs SET state = 'paused'");
    expect(kinds(await gc(folder, { yes: true }))).toEqual([]);
    change(folder, "UPDATE runs SET state = 'finished'");
    expect((await gc(folder, { yes: true })).databaseBytes).toBe(told.databaseBytes);
    expect(count()).toBe(before);
  });

  it("takes what dead processes left, and nothing of a living or a young one", async () => {
    const folder = await finishedFolder();
    const run = join(folder, "runs", "sums-1");
    const files = [deadPid, process.pid].map((pid) => join(run, `report.md.${pid}.tmp`));
    for (const file of files) writeFileSync(file, "half");
    expect(kinds(await gc(folder, { now: new Date() }))).toEqual([]);
    inChild(["backup", folder, "backups/one"], "backup:file@3");
    mkdirSync(join(folder, "backups", "theirs.partial"));
    const result = await gc(folder, { yes: true });
    expect(kinds(result).sort()).toEqual(["half-made", "temporary"]);
    expect(files.map(existsSync)).toEqual([false, true]);
    expect(readdirSync(join(folder, "backups"))).toEqual(["theirs.partial"]);
  });

  it("takes caches that nobody can use, and leaves the others", async () => {
    const folder = await finishedFolder();
    const cache = join(folder, "cache");
    mkdirSync(join(cache, "stamps"), { recursive: true });
    mkdirSync(join(folder, "trainer"));
    writeFileSync(join(folder, "trainer", "requirements.lock"), "torch==1\n");
    const stamp = (name: string, path: string) =>
      writeFileSync(join(cache, "stamps", name), JSON.stringify({ path, sha256: model }));
    stamp("a.json", databaseOf(folder));
    stamp("b.json", join(folder, "gone.gguf"));
    for (const [name, lock] of [
      ["ours", sha256("torch==1\n")],
      ["old", sha256("torch==0\n")],
      ["new", sha256("torch==2\n")],
    ] as const) {
      mkdirSync(join(cache, "trainer", name), { recursive: true });
      const marker = join(cache, "trainer", name, "ready.json");
      writeFileSync(marker, JSON.stringify({ lock }));
      const made = name === "new" ? now : new Date("2020-01-01");
      utimesSync(marker, made, made);
    }
    mkdirSync(join(cache, "trainer", "being-made"));
    expect(kinds(await gc(folder, { yes: true })).sort()).toEqual(["environment", "stamps"]);
    expect(readdirSync(join(cache, "trainer"))).toEqual(["being-made", "new", "ours"]);
    expect(readdirSync(join(cache, "stamps"))).toEqual(["a.json"]);
  });

  it("works beside a controller, which ends with the same rows", async () => {
    const undisturbed = temporaryFolder();
    expect(inChild(["run", undisturbed, undisturbed]).status).toBe(0);
    const folder = temporaryFolder();
    const run = besideUs(["run", folder, undisturbed]);
    let times = 0;
    const code = await whileRunning(run, async () => {
      if (!existsSync(adaptersOf(folder))) return;
      await gc(folder, { yes: true, rejectedDays: 0, now: new Date() });
      times++;
    });
    expect(code).toBe(0);
    expect(times).toBeGreaterThan(2);
    expect(digestOf(databaseOf(folder))).toEqual(digestOf(databaseOf(undisturbed)));
    expect(await problemsOf(folder)).toEqual([]);
  });

  it.each(failpointsOf("gc"))("killed at %s leaves a workspace that is whole", async (name) => {
    const folder = await finishedFolder();
    strayJob(folder, model);
    change(
      folder,
      `UPDATE decisions SET outcome = 'rejected' WHERE round = 2;
       UPDATE runs SET incumbent = (SELECT candidate FROM rounds WHERE number = 1);`,
    );
    expect(inChild(["gc", folder], name).signal).toBe("SIGKILL");
    expect(await problemsOf(folder)).toEqual([]);
    await gc(folder, { yes: true, rejectedDays: 0 });
    expect(readdirSync(adaptersOf(folder))).toHaveLength(1);
    expect(await problemsOf(folder)).toEqual([]);
  });
});
