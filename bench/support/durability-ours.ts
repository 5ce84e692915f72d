// A run of `items` answers in this process, each durable before the next: redistill's own loop.
import { join } from "node:path";
import Database from "better-sqlite3";
import { migrationsDirectory } from "../../src/cli/paths.js";
import { frozenTasks, workOn } from "../../src/controller/run.js";
import type { CallRequest } from "../../src/core/entities.js";
import { eachRole } from "../../src/core/model.js";
import type { SampleOptions, Train } from "../../src/core/ports.js";
import { ScriptedChatModel } from "../../src/models/scripted.js";
import { Store } from "../../src/store/store.js";
import { createVerify } from "../../src/verifiers/index.js";
import { createRun, studentAlone, sums, syntheticRecipe } from "./synthetic-run.js";

const { folder, items, answer, bare, atOnce } = JSON.parse(process.argv[2] ?? "{}");

/** Gives so many answers in one turn of the event loop, as an engine does whose sequences end together. */
class TogetherModel extends ScriptedChatModel {
  answered = 0;

  override async sample(requests: readonly CallRequest[], options: SampleOptions): Promise<void> {
    for (const [index, request] of requests.entries()) {
      const text = `${answer} ${request.sampling.seed}`;
      const tokens = { promptTokens: 20, evaluatedPromptTokens: 20, completionTokens: 60 };
      options.onResult(index, { text, stopReason: "end", ...tokens, durationMs: 1 });
      this.answered++;
      if (this.answered % atOnce === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** The least that any of them can do: one row in a transaction of its own. */
function bareInserts(): void {
  const db = new Database(join(folder, "bare.db"));
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, answer TEXT NOT NULL) STRICT");
  const insert = db.prepare("INSERT INTO items (answer) VALUES (?)");
  const startedAt = performance.now();
  for (let item = 0; item < items; item++) insert.run(`${answer} ${item}`);
  report(db, (performance.now() - startedAt) / 1000, items);
  db.close();
}

async function wholeRun(): Promise<void> {
  const store = Store.open(join(folder, "redistill.db"), migrationsDirectory);
  const recipe = syntheticRecipe({
    tasks: { train: Math.ceil(items / 4), gate: 1 },
    generate: { attempts: 4 },
    curate: { minimum: 1_000_000 },
  });
  const model = new TogetherModel("durability", () => "");
  const tasks = [...sums("gate", 1), ...sums("train", recipe.tasks.train)];
  const runId = createRun(store, recipe, tasks, model.digest);
  const train: Train = () => Promise.reject(new Error("nothing is trained here"));
  const startedAt = performance.now();
  await workOn({
    ...{ store, runId, tasks: frozenTasks(store, runId), prompts: studentAlone, train },
    ...{ models: eachRole(() => model), critiques: () => new Map(), coach: null },
    remember: () => Promise.reject(new Error("nothing is remembered here")),
    ...{ verify: createVerify({}), workspace: folder, observe: () => {} },
    openAdapter: () => Promise.reject(new Error("there is no adapter here")),
    signal: new AbortController().signal,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  report((store as unknown as { db: Database.Database }).db, seconds, model.answered);
  store.close();
}

function report(db: Database.Database, seconds: number, done: number): void {
  const pragma = (name: string) => db.pragma(name, { simple: true });
  const settings = { journal: pragma("journal_mode"), synchronous: pragma("synchronous") };
  const sqlite = db.prepare("SELECT sqlite_version()").pluck().get();
  process.stdout.write(
    `${JSON.stringify({ seconds, items: done, settings, sqlite, node: process.versions.node })}\n`,
  );
}

if (bare) bareInserts();
else await wholeRun();
