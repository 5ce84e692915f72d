import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCandidate } from "../../src/cli/adapters.js";
import { migrationsDirectory, type Workspace } from "../../src/cli/paths.js";
import { promptsFrom } from "../../src/cli/prompts.js";
import { frozenTasks } from "../../src/controller/run.js";
import type { Candidate } from "../../src/core/entities.js";
import type { ChatModel, Complete } from "../../src/core/ports.js";
import { answerSuite } from "../../src/stages/evaluate.js";
import { callKey } from "../../src/store/calls.js";
import { Store } from "../../src/store/store.js";
import { createVerify } from "../../src/verifiers/index.js";

/** A model that was the incumbent, from so many tokens of the run on, and what it got right. */
export interface Standing {
  readonly fromTokens: number;
  readonly right: Readonly<Record<string, boolean>>;
}

/**
 * What each incumbent of a run gets right on the sealed suite, which nothing of the run had seen; kept in a file beside
 * the run's database, so that it is asked once.
 */
export async function heldOutCurve(
  workspace: Workspace,
  runId: string,
  model: () => Promise<ChatModel>,
): Promise<Standing[]> {
  const kept = join(workspace.root, "held-out.json");
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, "utf8"));
  const store = Store.open(workspace.database, migrationsDirectory);
  try {
    const run = store.runs.find(runId)!;
    const input = {
      recipe: run.recipe,
      prompts: promptsFrom(store.runs.prompts(runId)),
      tasks: frozenTasks(store, runId),
    };
    const ports = { complete: completeBy(await model()), verify: createVerify({}) };
    const curve: Standing[] = [];
    for (const { fromTokens, sha256 } of incumbents(store, runId)) {
      const row = sha256 === null ? null : store.adapters.find(sha256);
      const candidate: Candidate | null = row && (await openCandidate(row, workspace));
      const { items } = await answerSuite(input, ports, "sealed", candidate);
      const right = Object.fromEntries(
        items.map(({ taskId, verdict }) => [taskId, verdict.outcome === "ok"]),
      );
      curve.push({ fromTokens, right });
    }
    writeFileSync(kept, JSON.stringify(curve));
    return curve;
  } finally {
    store.close();
  }
}

/** The base weights, then each promoted candidate from the end of its round. */
function incumbents(store: Store, runId: string): { fromTokens: number; sha256: string | null }[] {
  const spent = store.spend.byStage(runId);
  const promoted = store.rounds.all(runId).filter(({ number }) => {
    return store.rounds.decision(runId, number)?.outcome === "promoted";
  });
  const tokensUpTo = (round: number) =>
    spent
      .filter((row) => row.round <= round)
      .reduce((sum, row) => sum + row.promptTokens + row.completionTokens, 0);
  return [
    { fromTokens: 0, sha256: null },
    ...promoted.map(({ number, candidate }) => ({
      fromTokens: tokensUpTo(number),
      sha256: candidate,
    })),
  ];
}

/** By task the share of the budget during which the incumbent had it right. */
export function areas(curve: readonly Standing[], budget: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const [i, { fromTokens, right }] of curve.entries()) {
    const until = Math.min(budget, curve[i + 1]?.fromTokens ?? budget);
    const share = Math.max(0, until - fromTokens) / budget;
    for (const [task, is] of Object.entries(right)) {
      found.set(task, (found.get(task) ?? 0) + (is ? share : 0));
    }
  }
  return found;
}

function completeBy(model: ChatModel): Complete {
  return async (requests, adapter) => {
    const answers = requests.map((request) => ({
      callKey: callKey(request, model.digest, adapter?.sha256 ?? null),
    }));
    const whole = new Array<Awaited<ReturnType<Complete>>[number]>(requests.length);
    await model.sample(requests, {
      ...{ adapter, signal: new AbortController().signal },
      onResult: (index, generation) => {
        whole[index] = { ...generation, ...answers[index]! };
      },
    });
    return whole;
  };
}
