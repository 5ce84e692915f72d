import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { PausedError, RedistillError } from "../../src/core/errors.js";
import type { Train } from "../../src/core/ports.js";
import { type Recipe, recipeSchema } from "../../src/core/recipe.js";
import { scriptedRun, sumsRecipe } from "../support/scripted-run.js";

const folder = () => mkdtempSync(join(tmpdir(), "redistill-"));
const webhook = { kind: "webhook", url: "http://127.0.0.1:9/never-asked" };

function inDatabase<T>(where: string, use: (db: Database.Database) => T): T {
  const db = new Database(join(where, "memory", "redistill.db"));
  try {
    return use(db);
  } finally {
    db.close();
  }
}

interface Row {
  readonly event: string;
  readonly round: number | null;
  readonly channel: string;
  readonly text: string;
}

const outboxOf = (where: string) =>
  inDatabase(where, (db) => db.prepare("SELECT * FROM outbox ORDER BY sequence").all() as Row[]);

async function started(changes: Record<string, unknown>, train?: Train) {
  const where = folder();
  const recipe: Recipe = sumsRecipe(where, changes);
  return { where, run: await scriptedRun(where, recipe, train ? { train } : {}) };
}

const failing = (error: Error) => started({ notify: [webhook] }, () => Promise.reject(error));

describe("a run's events", () => {
  it("are told to each channel that wants them, in order", async () => {
    const other = { ...webhook, url: "http://127.0.0.1:9/other", events: ["finished"] };
    const { where, run } = await started({ notify: [webhook, other] });
    await run.work();
    run.store.close();
    const events = inDatabase(where, (db) =>
      db
        .prepare(
          "SELECT kind FROM events WHERE kind NOT IN ('started', 'skipped') ORDER BY sequence",
        )
        .pluck()
        .all(),
    );
    const rows = outboxOf(where);
    const [first] = rows;
    const told = rows.filter(({ channel }) => channel === first!.channel);
    expect(told.map(({ event }) => event)).toEqual(events);
    expect(events).toContain("promoted");
    expect(rows.filter(({ channel }) => channel !== first!.channel)).toMatchObject([
      { event: "finished" },
    ]);
    expect(first!.text).toMatch(
      /^sums-1 round 1 promoted: gate \+\d+\.\d points \(95% interval .*\)\. Goes on with round 2 of 2; less than a minute left\.$/,
    );
    expect(rows.at(-1)!.text).toMatch(/^sums-1 finished: \d of 2 rounds promoted\. Sealed suite /);
  });

  it("hold nothing of an error's message, which may quote a prompt or a path", async () => {
    const { where, run } = await failing(
      new RedistillError("training", "cannot read /home/me/private about Calculate 1 + 2.", "…"),
    );
    await expect(run.work()).rejects.toThrow();
    run.store.close();
    const [row] = outboxOf(where);
    expect(row).toMatchObject({ event: "failed", round: 1 });
    expect(row!.text).toContain("failed in round 1: the training.");
    expect(row!.text).not.toMatch(/private|Calculate|\//);
  });

  it("are told again when they happen again, as another notification", async () => {
    const { where, run } = await failing(
      new PausedError("budget", "the tokens in /x are used up", "Raise budget.tokens."),
    );
    for (let time = 0; time < 2; time++) await expect(run.work()).rejects.toThrow();
    run.store.close();
    const rows = inDatabase(where, (db) => db.prepare("SELECT id, text FROM outbox").all());
    expect(rows).toHaveLength(2);
    expect(new Set(rows.map((row) => (row as { id: string }).id)).size).toBe(2);
    expect(rows[0]).toMatchObject({ text: expect.stringContaining("a budget is used up") });
  });

  it("and their notifications are written together or not at all", async () => {
    const { where, run } = await started({ notify: [webhook] });
    inDatabase(where, (db) =>
      db.exec(
        "CREATE TRIGGER refuse BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no room'); END",
      ),
    );
    await expect(run.work()).rejects.toThrow(/no room/);
    run.store.close();
    const count = (sql: string) => inDatabase(where, (db) => db.prepare(sql).pluck().get());
    expect(count("SELECT count(*) FROM decisions")).toBe(0);
    expect(count("SELECT count(*) FROM events WHERE kind IN ('promoted', 'rejected')")).toBe(0);
    inDatabase(where, (db) => db.exec("DROP TRIGGER refuse"));
    const again = await scriptedRun(where, recipeSchema.parse(sumsRecipe(where)));
    await again.work();
    again.store.close();
    expect(outboxOf(where).map(({ event }) => event)).toContain("finished");
  });

  it("are told to nobody where nobody asked, as in a run of an older release", async () => {
    const { where, run } = await started({ notify: [webhook] });
    inDatabase(where, (db) => db.exec("UPDATE runs SET recipe = json_remove(recipe, '$.notify')"));
    await run.work();
    run.store.close();
    expect(outboxOf(where)).toEqual([]);
  });

  it("go to the channels that the recipe has now, once they were changed", async () => {
    const { where, run } = await started({ notify: [webhook] });
    const { notify } = sumsRecipe(where, { notify: [{ ...webhook, events: ["finished"] }] });
    run.store.runs.change("sums-1", { notify });
    await run.work();
    run.store.close();
    expect(outboxOf(where).map(({ event }) => event)).toEqual(["finished"]);
  });
});
