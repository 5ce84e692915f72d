import { RedistillError } from "../core/errors.js";
import { canonicalJson } from "../core/hash.js";
import type { RoleIdentities } from "../core/model.js";
import { type Changeable, changeable, type Recipe, recipeSchema } from "../core/recipe.js";
import { isRunId } from "../core/safe-names.js";
import { redact } from "../core/secrets.js";
import type { Connection } from "./database.js";

export type RunState = "running" | "interrupted" | "paused" | "failed" | "finished";

/** A prompt file as it was when the run began; editing the file does not change the run. */
export interface PromptSnapshot {
  readonly stage: string;
  readonly name: string;
  readonly version: string;
  readonly hash: string;
  readonly body: string;
}

/** What has to be known of a run when it begins. */
export interface NewRun {
  readonly id: string;
  readonly recipe: Recipe;
  readonly recipeHash: string;
  readonly modelDigest: string;
  readonly modelPath: string;
  readonly modelSha256: string;
  /** Absent where the student does everything. */
  readonly roles?: RoleIdentities;
  readonly folder: string;
  readonly prompts: readonly PromptSnapshot[];
}

export interface RunRow {
  readonly id: string;
  readonly name: string;
  readonly recipe: Recipe;
  readonly recipeHash: string;
  readonly modelDigest: string;
  readonly modelPath: string;
  /** Of the weights' file; empty where there is none on this machine. */
  readonly modelSha256: string;
  /** Who answered in which role when the run began; empty for runs from before there were roles. */
  readonly roles: RoleIdentities;
  /** Artifacts of the run, relative to the workspace. */
  readonly folder: string;
  readonly state: RunState;
  /** sha256 of the incumbent's adapter; null is the base weights. */
  readonly incumbent: string | null;
  readonly failure: string | null;
  readonly progress: Record<string, unknown> | null;
  readonly ownerPid: number | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

type RawRun = Omit<RunRow, "recipe" | "progress" | "roles"> & {
  recipe: string;
  roles: string;
  progress: string | null;
};

const columns = `id, name, recipe, recipe_hash AS recipeHash, model_digest AS modelDigest,
  model_path AS modelPath, model_sha256 AS modelSha256, roles, folder, state, incumbent, failure, progress, owner_pid AS ownerPid,
  created_at AS createdAt, finished_at AS finishedAt`;

export class RunTable {
  constructor(private readonly db: Connection) {}

  create(run: NewRun): void {
    this.db
      .prepare(
        `INSERT INTO runs (id, name, recipe, recipe_hash, model_digest, model_path, model_sha256, roles,
           folder, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'interrupted', ?)`,
      )
      .run(
        run.id,
        run.recipe.name,
        canonicalJson(run.recipe),
        run.recipeHash,
        run.modelDigest,
        run.modelPath,
        run.modelSha256,
        canonicalJson(run.roles ?? {}),
        run.folder,
        new Date().toISOString(),
      );
    for (const prompt of run.prompts) this.addPrompt(run.id, prompt);
  }

  /** A prompt that came after those that a run began with. Call inside the transaction of what asks with it. */
  addPrompt(runId: string, prompt: PromptSnapshot): void {
    this.db
      .prepare("INSERT INTO prompts VALUES (@runId, @stage, @name, @version, @hash, @body)")
      .run({ runId, ...prompt });
  }

  /** By stage; of a stage that has several the recipe's own is the first. */
  prompts(runId: string): PromptSnapshot[] {
    return this.db
      .prepare<[string], PromptSnapshot>(
        "SELECT stage, name, version, hash, body FROM prompts WHERE run_id = ? ORDER BY stage, rowid",
      )
      .all(runId);
  }

  /** Every prompt of any run, once for each of its texts, with the first such run. */
  allPrompts(): (PromptSnapshot & { readonly runId: string })[] {
    return this.db
      .prepare<[], PromptSnapshot & { runId: string }>(
        `SELECT run_id AS runId, stage, name, version, hash, body FROM prompts
          WHERE rowid IN (SELECT min(rowid) FROM prompts GROUP BY stage, hash) ORDER BY rowid`,
      )
      .all();
  }

  find(id: string): RunRow | null {
    return this.one(`SELECT ${columns} FROM runs WHERE id = ?`, id);
  }

  latest(): RunRow | null {
    return this.one(`SELECT ${columns} FROM runs ORDER BY rowid DESC LIMIT 1`);
  }

  /** The newest run of exactly this recipe that has not ended. */
  unfinished(hash: string): RunRow | null {
    return this.one(
      `SELECT ${columns} FROM runs WHERE recipe_hash = ? AND state <> 'finished'
        ORDER BY rowid DESC LIMIT 1`,
      hash,
    );
  }

  /** The newest run of a recipe with this name that has not ended, whatever is in the recipe. */
  unfinishedNamed(name: string): RunRow | null {
    return this.one(
      `SELECT ${columns} FROM runs WHERE name = ? AND state <> 'finished'
        ORDER BY rowid DESC LIMIT 1`,
      name,
    );
  }

  all(): RunRow[] {
    return this.db
      .prepare<[], RawRun>(`SELECT ${columns} FROM runs ORDER BY rowid`)
      .all()
      .map(parse);
  }

  /** The first free id for a recipe's name: `quickstart-1`, `quickstart-2`, … */
  nextId(name: string): string {
    for (let number = 1; ; number++) {
      const id = `${name}-${number}`;
      if (this.find(id) === null) return id;
    }
  }

  /** Takes the run for this process. */
  own(id: string, pid: number): void {
    this.db
      .prepare(
        `UPDATE runs SET state = 'running', failure = NULL, owner_pid = ?
          WHERE id = ?`,
      )
      .run(pid, id);
  }

  /** Gives the run back in the state in which it was left. */
  release(id: string, state: Exclude<RunState, "running">, failure: string | null): void {
    this.db
      .prepare(
        `UPDATE runs SET state = ?, failure = ?, owner_pid = NULL, progress = NULL,
           finished_at = CASE WHEN ? = 'finished' THEN ? ELSE NULL END
          WHERE id = ?`,
      )
      .run(state, failure && redact(failure), state, new Date().toISOString(), id);
  }

  setIncumbent(id: string, adapter: string | null): void {
    this.db.prepare("UPDATE runs SET incumbent = ? WHERE id = ?").run(adapter, id);
  }

  /** Gives a run other settings of those that change no answer. */
  change(id: string, settings: Partial<Changeable>): void {
    const set = this.db.prepare(
      "UPDATE runs SET recipe = json_set(recipe, '$.' || ?, json(?)) WHERE id = ?",
    );
    for (const key of changeable) {
      if (settings[key] !== undefined) set.run(key, canonicalJson(settings[key]), id);
    }
  }

  setProgress(id: string, progress: Record<string, unknown>): void {
    this.db.prepare("UPDATE runs SET progress = ? WHERE id = ?").run(canonicalJson(progress), id);
  }

  private one(sql: string, ...parameters: string[]): RunRow | null {
    const row = this.db.prepare<string[], RawRun>(sql).get(...parameters);
    return row === undefined ? null : parse(row);
  }
}

/** A database that was made elsewhere must not lead our files out of their folder. */
function requireOwnFolder({ id, folder }: RawRun): void {
  if (isRunId(id) && folder.replaceAll("\\", "/") === `runs/${id}`) return;
  throw new RedistillError(
    "storage",
    `the database has a run ${JSON.stringify(id.slice(0, 60))} in the folder ${JSON.stringify(folder.slice(0, 60))}, which redistill never makes`,
    "Something else wrote to it: restore a copy, or name another database with --database. Nothing was touched.",
  );
}

function parse(row: RawRun): RunRow {
  requireOwnFolder(row);
  return {
    ...row,
    // Settings that are newer than the row have their defaults.
    recipe: recipeSchema.parse(JSON.parse(row.recipe)),
    roles: JSON.parse(row.roles),
    progress: row.progress === null ? null : JSON.parse(row.progress),
  };
}
