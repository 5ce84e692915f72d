import type { Task } from "../core/entities.js";
import type { NewRun, RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { commitAt } from "./commit.js";
import { runFolder } from "./run.js";

/** Writes a run with its prompts and tasks in one transaction, under the next free id of its name. */
export function createRun(
  store: Store,
  run: Omit<NewRun, "id" | "folder">,
  tasks: readonly Task[],
): RunRow {
  return commitAt(store, "run:create", () => {
    const id = store.runs.nextId(run.recipe.name);
    store.runs.create({ ...run, id, folder: runFolder(id) });
    store.tasks.insertAll(id, tasks);
    return store.runs.find(id)!;
  });
}
