import { basename } from "node:path";
import type { Decision, Split, Task } from "../core/entities.js";
import { RedistillError } from "../core/errors.js";
import { plateauOf, plateauText } from "../core/plateau.js";
import { alphaForLook } from "../stats/index.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { adviceFor } from "./advice.js";
import { readClusters } from "./clusters.js";
import { readEnded } from "./ended.js";
import { readFrontier } from "./frontier.js";
import { headline } from "./headline.js";
import { readHistory } from "./history.js";
import { readJudge } from "./judge.js";
import { readMemory } from "./memory.js";
import type { Basis, BestAdapter, Changes, Reworked, RoundReport, RunReport } from "./report.js";
import { readRound } from "./rounds.js";
import { readChanges, readSuites } from "./suites.js";
import { readTrials } from "./trials.js";

const mostReworked = 2;
const longestPrompt = 120;

/**
 * The report of a run, finished or not, from the saved database and nothing else: the same rows
 * give the same report.
 *
 * @param timeZone IANA name of the zone in which the timeline is shown; this machine's by default.
 *
 * @example
 * const report = readReport(store, "quickstart-1");
 * console.log(renderTerminal(report));
 */
export function readReport(
  store: Store,
  runId: string,
  timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone,
): RunReport {
  const run = store.runs.find(runId);
  if (!run) {
    throw new RedistillError("usage", `no run ${runId}`, "`redistill status` lists the runs.");
  }
  const tasks = new Map(
    (["train", "gate", "sealed", "retention"] as const)
      .flatMap((split) => store.tasks.ofSplit(runId, split))
      .map((task) => [task.id, task]),
  );
  const { rounds, reworked } = readRounds(store, run, tasks);
  const decisions = rounds.flatMap(({ decision }) => decision ?? []);
  const { changes, forgotten } = readChanges(store, run, tasks);
  const best = readBest(store, run);
  const rolledBack = store.readings.rolledBack(run.id);
  const facts = {
    run: run.id,
    finished: run.state === "finished",
    ended: readEnded(store, run),
    decided: decisions.length,
    planned: run.recipe.rounds,
    promoted: decisions.filter(({ outcome }) => outcome === "promoted").length - rolledBack.length,
    stoppedEarly: stoppedEarly(store, run, decisions),
    health: { readings: store.readings.of(run.id), rolledBack },
    suites: readSuites(store, run),
  };
  const looks = decisions.filter(({ gate }) => gate !== null).length;
  const clusters = readClusters(store, run.id);
  return {
    kind: "report",
    ...facts,
    description: run.recipe.description,
    headline: headline(facts),
    rounds,
    changes,
    forgotten,
    reworked,
    ...(clusters.length === 0 ? {} : { clusters }),
    plans: store.plans.of(run.id),
    trials: readTrials(
      store,
      run,
      rounds.map(({ round }) => round),
    ),
    frontier: readFrontier(store, run.id, rounds),
    memory: readMemory(store, run, tasks),
    judge: rounds.flatMap(({ round }) => readJudge(store, run.id, round) ?? []),
    basis: readBasis(store, run, looks),
    best,
    advice: adviceFor({ ...facts, rounds, best }, run.recipe),
    tryPrompt: promptToTry(changes, tasks),
    howItWent: readHistory(store, run, timeZone),
  };
}

function stoppedEarly(
  store: Store,
  { id, state, recipe }: RunRow,
  decisions: readonly Pick<Decision, "outcome" | "gate" | "look">[],
): string | null {
  if (state !== "finished" || decisions.length >= recipe.rounds) return null;
  const plateau = plateauOf(recipe.stop, decisions);
  if (plateau !== null) return plateauText(plateau);
  return store.plans.find(id, decisions.length + 1)?.stop ?? null;
}

function readRounds(store: Store, run: RunRow, tasks: ReadonlyMap<string, Task>) {
  const rounds: RoundReport[] = [];
  const reworked: Reworked[] = [];
  for (const row of store.rounds.all(run.id)) {
    const round = readRound(store, run, row, tasks);
    rounds.push(round.report);
    if (reworked.length < mostReworked) {
      reworked.push(...round.reworked().slice(0, mostReworked - reworked.length));
    }
  }
  return { rounds, reworked };
}

function readBasis(store: Store, run: RunRow, looks: number): Basis {
  const size = (split: Split) => store.tasks.ofSplit(run.id, split).length;
  const { alpha } = run.recipe.gate;
  return {
    recipeHash: run.recipeHash,
    seed: run.recipe.seed,
    modelDigest: run.modelDigest,
    models: readModels(run),
    incumbent: run.incumbent,
    prompts: store.runs.prompts(run.id).map(({ stage, name, hash }) => ({ stage, name, hash })),
    tasks: {
      train: size("train"),
      gate: size("gate"),
      sealed: size("sealed"),
      retention: size("retention"),
    },
    ...(run.recipe.retention?.suites
      ? { retentionSuites: suiteSizes(store, run, run.recipe.retention.suites) }
      : {}),
    looks,
    alpha,
    gateTest: run.recipe.gate.test,
    levelPerLook: alphaForLook(alpha, run.recipe.rounds),
    quarantined: store.suspects.quarantined(run.id).map(({ round, stage }) => ({ round, stage })),
  };
}

function suiteSizes(store: Store, { id }: RunRow, suites: readonly { readonly name: string }[]) {
  const tasks = store.tasks.ofSplit(id, "retention");
  return suites.map(({ name }) => ({
    name,
    tasks: tasks.filter(({ suite }) => suite === name).length,
  }));
}

/** Each model with its roles; empty where the student is embedded and does everything. */
function readModels({ roles: own, recipe }: RunRow): Basis["models"] {
  const { student, ...others } = own;
  if (student === undefined) return [];
  const named = Object.entries(others);
  if (named.length === 0 && recipe.model.provider === "embedded") return [];
  const known = new Map([[student.digest, { roles: ["student"], ...student }]]);
  for (const [role, identity] of named) {
    const same = known.get(identity.digest);
    if (same) same.roles.push(role);
    else known.set(identity.digest, { roles: [role], ...identity });
  }
  return [...known.values()].map(({ roles: played, description }) => ({
    roles: played.join(" and "),
    description,
  }));
}

function readBest(store: Store, run: RunRow): BestAdapter | null {
  const row = run.incumbent === null ? null : store.adapters.find(run.incumbent);
  if (row === null) return null;
  const { sha256, round, ggufPath, peftPath, weights } = row;
  // Where the weights are on this machine is nobody's business who reads the report.
  const baseName = run.modelPath === "default" ? null : basename(run.modelPath);
  return {
    ...{ sha256, round, ggufPath, peftPath, weights, remembers: row.memory !== null },
    ...{ baseName, baseSha256: run.modelSha256 },
  };
}

/** Only a prompt that no shell reads anything into is offered for copying into one. */
function promptToTry(changes: Changes | null, tasks: ReadonlyMap<string, Task>): string | null {
  const all = [...(changes?.better ?? []).map(({ task }) => task)];
  for (const { prompt, split } of tasks.values()) if (split !== "retention") all.push(prompt);
  const safe = /^[\p{L}\p{N}][\p{L}\p{N} .,?:;+*/=()'<>-]+$/u;
  return all.find((prompt) => prompt.length <= longestPrompt && safe.test(prompt)) ?? null;
}
