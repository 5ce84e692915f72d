import { existsSync } from "node:fs";
import { RedistillError } from "../core/errors.js";
import type { RunRow } from "../store/runs.js";
import { Store } from "../store/store.js";
import { migrationsDirectory, type Workspace } from "./paths.js";

const startOne = "`redistill run <recipe>` starts one; `redistill init` writes a recipe.";

/** The database for reading only; null where there is none yet. */
export function openForReading(workspace: Workspace): Store | null {
  if (!existsSync(workspace.database)) return null;
  return Store.openReadOnly(workspace.database, migrationsDirectory);
}

/** Refuses a place without a database, before anything is made there. */
export function requireDatabase({ database }: Workspace): void {
  if (existsSync(database)) return;
  throw new RedistillError("usage", `no run yet: there is no ${database}`, startOne);
}

/** Reads with a command's database open. No database means no run to speak of. */
export async function withStore<T>(
  workspace: Workspace,
  use: (store: Store) => T | Promise<T>,
): Promise<T> {
  requireDatabase(workspace);
  const store = Store.openReadOnly(workspace.database, migrationsDirectory);
  try {
    return await use(store);
  } finally {
    store.close();
  }
}

/** The run of an id, else the latest one of those that `among` admits. */
export function findRun(
  store: Store,
  id: string | undefined,
  among: { readonly what: string; admits(run: RunRow): boolean } = {
    what: "run",
    admits: () => true,
  },
): RunRow {
  const run = id === undefined ? store.runs.all().filter(among.admits).at(-1) : store.runs.find(id);
  if (run) return run;
  throw id === undefined
    ? new RedistillError("usage", `no ${among.what} in ${store.path}`, startOne)
    : new RedistillError(
        "usage",
        `no run ${id} in ${store.path}`,
        "`redistill status` lists the runs.",
      );
}
