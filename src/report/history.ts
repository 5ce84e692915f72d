import type { RunRow } from "../store/runs.js";
import type { StageSpend } from "../store/spend.js";
import type { Store } from "../store/store.js";
import { readFaults } from "./faults.js";
import type { HowItWent, StageCost } from "./report.js";
import { readSpend } from "./spend.js";
import { readTimeline } from "./timeline.js";

/** What became of a run on its way, and where its time went. */
export function readHistory(store: Store, run: RunRow, timeZone: string): HowItWent {
  const stages = store.rounds.stages(run.id);
  const rounds = store.rounds.all(run.id).map(({ number, candidate }) => {
    const trained = candidate === null ? null : store.adapters.find(candidate);
    return {
      round: number,
      seconds: sum(stages.filter(({ round }) => round === number).map(({ seconds }) => seconds)),
      trainingSeconds: trained?.seconds ?? null,
    };
  });
  return {
    state: run.state,
    startedAt: run.createdAt,
    finishedAt: run.finishedAt,
    timeZone,
    timeline: readTimeline(store, run),
    ...readFaults(store.events.of(run.id)),
    stages: costs(stages, store.spend.byStage(run.id)),
    spend: readSpend(store, run),
    rounds,
  };
}

const nothingPaid = { calls: 0, promptTokens: 0, promptTokensRead: 0, completionTokens: 0 };

/** Seconds and calls by round and stage, in the order in which the stages first ran. */
function costs(
  stages: ReturnType<Store["rounds"]["stages"]>,
  spending: readonly StageSpend[],
): StageCost[] {
  const found = new Map<string, StageCost>();
  const at = (row: { round: number; stage: string }, part: Partial<StageCost>) => {
    const key = `${row.round} ${row.stage}`;
    const { round, stage } = row;
    const before = found.get(key) ?? { ...nothingPaid, seconds: null };
    found.set(key, { ...before, ...part, round, stage });
  };
  for (const row of stages) at(row, { seconds: row.seconds });
  for (const row of spending) at(row, row);
  return [...found.values()];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
