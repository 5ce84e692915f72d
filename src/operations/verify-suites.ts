import type { Split, Task } from "../core/entities.js";
import { stableId } from "../core/hash.js";
import { retainedOf, retentionSuites } from "../core/retention.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { type Problem, restoreIt } from "./problem.js";

/** Whether tasks and prompts are still those that the run began with: their names are hashes of them. */
export function taskProblems(store: Store, { id, recipe }: RunRow): Problem[] {
  const problems: string[] = [];
  // A search for a prompt has no held-out tasks, so that it cannot have seen any.
  const isSearch = store.evolutions.spec(id) !== null;
  const sizes: readonly (readonly [Split, number | null])[] = [
    ["train", recipe.tasks.train],
    ["gate", isSearch ? 0 : recipe.tasks.gate],
    ["sealed", isSearch ? 0 : recipe.tasks.sealed],
    ["retention", isSearch ? 0 : null],
    ["replay", null],
  ];
  for (const [split, size] of sizes) {
    const tasks = store.tasks.ofSplit(id, split);
    const changed = tasks.filter((task) => task.id !== idOf(task));
    if (changed.length > 0) {
      problems.push(
        `${changed.length} ${split} tasks are not what they were: ${changed[0]!.id} says another prompt or reference than its name`,
      );
    }
    if (size !== null && tasks.length !== size) {
      problems.push(
        `it has ${tasks.length} ${split} tasks, ${isSearch ? "a search has" : "its recipe says"} ${size}`,
      );
    }
  }
  if (!isSearch) problems.push(...namedSuiteProblems(store, id, recipe));
  return problems.map((what) => ({ run: id, what: `Run ${id}: ${what}.`, todo: restoreIt }));
}

/** Whether the retention tasks are under the names that the recipe gives, and decisions have those with their margins. */
function namedSuiteProblems(store: Store, id: string, { retention }: RunRow["recipe"]): string[] {
  const suites = retentionSuites(retention).filter(({ name }) => name !== null);
  const tasks = store.tasks.ofSplit(id, "retention").map(({ suite }) => suite ?? null);
  const names = retentionSuites(retention).map(({ name }) => name);
  const strange = tasks.filter((suite) => !names.includes(suite)).length;
  const problems = suites
    .filter(({ name }) => !tasks.includes(name))
    .map(({ name }) => `it has no task of the retention suite ${name}`);
  if (strange > 0) problems.push(`${strange} retention tasks are of no suite that its recipe has`);
  const margins = (all: readonly { readonly name: string | null; readonly margin: number }[]) =>
    all.map(({ name, margin }) => `${name} ${margin}`).join();
  for (const { number } of store.rounds.all(id)) {
    const decision = store.rounds.decision(id, number);
    if (suites.length === 0 || !decision?.gate) continue;
    if (margins(decision.retentionSuites ?? []) === margins(suites)) continue;
    problems.push(
      `round ${number} was not decided by the retention suites and margins of its recipe`,
    );
  }
  return problems;
}

function idOf({ split, prompt, reference }: Task): string {
  return stableId("task", split, prompt, reference);
}

/**
 * Whether every suite that was answered was answered whole, by every model that it decided on. Of a
 * sequential gate's suite that is as far as it decided.
 */
export function suiteProblems(store: Store, run: RunRow): Problem[] {
  const { id } = run;
  const suites = ["gate", "retention", "sealed"] as const;
  const sizes = new Map(suites.map((suite) => [suite, store.tasks.ofSplit(id, suite).length]));
  const answered = new Map(
    store.audit.suites(id).map((row) => [`${row.suite} ${row.adapter}`, row]),
  );
  const sequential = run.recipe.gate.test === "sequential";
  const problems = [...answered.values()]
    .filter(({ suite, answered: count }) => {
      if (suite === "gate" && sequential) return false;
      return count !== sizes.get(suite as (typeof suites)[number]);
    })
    .map(
      ({ suite, adapter, answered: count }) =>
        `${name(adapter)} answered ${count} of the ${suite} suite's tasks`,
    );
  const require = (suite: (typeof suites)[number], adapter: string | null, why: string) => {
    if (sizes.get(suite) === 0 || answered.has(`${suite} ${adapter ?? ""}`)) return;
    problems.push(`no answers of ${name(adapter ?? "")} to the ${suite} suite, ${why}`);
  };
  for (const { number, incumbent, candidate } of store.rounds.all(id)) {
    const decision = store.rounds.decision(id, number);
    if (decision === null || decision.gate === null) continue;
    require("gate", incumbent, `which decided round ${number}`);
    require("gate", candidate, `which decided round ${number}`);
    for (const adapter of sequential ? [incumbent, candidate] : []) {
      const count = answered.get(`gate ${adapter ?? ""}`)?.answered ?? 0;
      if (count === 0 || count >= decision.gate.tasks) continue;
      problems.push(
        `${name(adapter ?? "")} answered ${count} of the ${decision.gate.tasks} gate tasks that decided round ${number}`,
      );
    }
    if (retainedOf(decision, null).length === 0) continue;
    require("retention", null, `which decided round ${number}`);
    require("retention", candidate, `which decided round ${number}`);
  }
  if (run.state === "finished") {
    require("sealed", null, "and the run has finished");
    require("sealed", run.incumbent, "and the run has finished");
  }
  return [...new Set(problems)].map((what) => ({
    run: id,
    what: `Run ${id}: ${what}.`,
    todo: restoreIt,
  }));
}

function name(adapter: string): string {
  return adapter === "" ? "the base weights" : `adapter ${adapter.slice(0, 12)}`;
}
