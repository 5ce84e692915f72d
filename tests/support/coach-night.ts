import { readdirSync } from "node:fs";
import { join } from "node:path";
import { frozenTasks } from "../../src/controller/run.js";
import type { CallRequest, Verdict } from "../../src/core/entities.js";
import type { Recipe } from "../../src/core/recipe.js";
import type { Script } from "../../src/models/scripted.js";
import { gate } from "../../src/stages/gate.js";
import type { StageInput } from "../../src/stages/types.js";
import type { Store } from "../../src/store/store.js";
import { createVerify } from "../../src/verifiers/index.js";
import { isCoach, saying } from "./coach.js";
import { digestOf } from "./digest.js";
import { learner, sumsRecipe } from "./scripted-run.js";

/** Three small rounds with groups of failures and a memory, so that a coach has all that it can misuse. */
export function nightRecipe(
  tasks: string,
  kind: "adaptive" | "coach",
  changes: Record<string, unknown> = {},
): Recipe {
  const recipe = sumsRecipe(tasks, {
    rounds: 3,
    elicit: { tasksPerRound: 8 },
    generate: { attempts: 2 },
    refine: { prompt: "refine", tries: 1 },
    curate: { minimum: 2 },
    clusters: {},
    longTerm: {},
    policy: { kind, validation: 2 },
    ...changes,
  });
  return { ...recipe, tasks: { ...recipe.tasks, train: 24, gate: 30, sealed: 6 } };
}

/** The learner, with a coach that says in each round what was meant for it; in later ones the last again. */
export const coachByRound =
  (...rounds: readonly (readonly string[])[]): Script =>
  (request, adapter) => {
    if (!isCoach(request)) return learner(request, adapter);
    const answers = rounds[Math.min(roundOf(request), rounds.length) - 1]!;
    return saying(...answers)(request);
  };

/** The round that a coach is asked about. */
export function roundOf({ messages }: CallRequest): number {
  const state = messages.find(({ role }) => role === "user")!.content;
  return Number(/^Round (\d+) is next/.exec(state)![1]);
}

/** What no refused coach may change: all that was asked of students, found and decided, what is remembered, and the files. */
export function outcomeOf(where: string, store: Pick<Store, "close">) {
  store.close();
  const digest = digestOf(join(where, "memory", "redistill.db"));
  const tables = [
    ...["tasks", "elicited", "attempts", "verdicts", "revisions", "examples", "adapters"],
    ...["evaluations", "decisions", "memory_lessons", "memory_evidence", "memory_uses"],
  ];
  return { rows: tables.map((table) => [table, digest[table]]), files: filesIn(where) };
}

export const filesIn = (where: string) =>
  readdirSync(where, { recursive: true, encoding: "utf8" })
    .filter((name) => !name.includes("redistill.db"))
    .sort();

/** Verdicts as their rows have them, and as the verifiers find them again by the frozen tasks. */
export async function verdictsOf(store: Store, runId: string) {
  const tasks = frozenTasks(store, runId);
  const byId = new Map(Object.values(tasks).flatMap((own) => own.map((task) => [task.id, task])));
  const answered: { taskId: string; answer: string; verdict: Verdict }[] = [];
  const adapters = new Set<string | null>([null]);
  for (const { number, candidate } of store.rounds.all(runId)) {
    const { attempts, revisions, validation } = store.rounds.load(runId, number);
    answered.push(...attempts, ...revisions, ...validation);
    adapters.add(candidate);
  }
  for (const adapter of adapters) {
    for (const suite of ["gate", "sealed"] as const) {
      answered.push(...store.rounds.evaluations.of(runId, suite, adapter));
    }
  }
  const again = await createVerify({})(
    answered.map(({ taskId, answer }) => ({ task: byId.get(taskId)!, answer })),
  );
  return { stored: answered.map(({ verdict }) => verdict), again };
}

/** Decisions as their rows have them, and as the gate comes to them again by the run's own recipe and those answers. */
export async function decisionsOf(store: Store, runId: string) {
  const { recipe } = store.runs.find(runId)!;
  const rounds = store.rounds.all(runId).map(async ({ number, incumbent }) => {
    const rows = store.rounds.load(runId, number);
    const named = (sha256: string | null) => (sha256 === null ? null : { sha256 });
    const input = {
      ...{ recipe, round: number, rows: { ...rows, decision: null } },
      ...{ incumbent: named(incumbent), candidate: named(rows.candidate?.sha256 ?? null) },
    } as unknown as StageInput;
    return { stored: rows.decision, again: (await gate(input)).rows.decision };
  });
  return Promise.all(rounds);
}
