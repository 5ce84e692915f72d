import type { RunEvent } from "../store/events.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import type { HowItWent, StageCost } from "./report.js";
import { readSpend } from "./spend.js";

/** What became of a run on its way, and where its time went. */
export function readHistory(store: Store, run: RunRow): HowItWent {
  const stages = store.rounds.stages(run.id);
  const rounds = store.rounds.all(run.id).map(({ number, candidate }) => ({
    round: number,
    seconds: stages
      .filter(({ round }) => round === number)
      .reduce((sum, { seconds }) => sum + seconds, 0),
    trainingSeconds: candidate === null ? null : (store.adapters.find(candidate)?.seconds ?? null),
  }));
  return {
    state: run.state,
    startedAt: run.createdAt,
    finishedAt: run.finishedAt,
    ...countEnds(store.events.of(run.id)),
    notifications: store.outbox.counts(run.id),
    stages: costs(stages, store.calls.spending(run.id)),
    spend: readSpend(store, run),
    rounds,
  };
}

/** A start that follows another without an end between them tells of a crash. */
function countEnds(events: readonly RunEvent[]) {
  let [interruptions, pauses, crashes, starts, working] = [0, 0, 0, 0, false];
  const failures: string[] = [];
  for (const { kind, payload } of events) {
    if (kind === "started" || kind === "resumed") {
      starts++;
      if (working) crashes++;
      working = true;
    } else if (kind === "interrupted") {
      interruptions++;
      working = false;
    } else if (kind === "paused") {
      pauses++;
      working = false;
    } else if (kind === "failed") {
      failures.push(typeof payload.reason === "string" ? payload.reason : "no reason was recorded");
      working = false;
    }
  }
  return { interruptions, pauses, crashes, failures, resumes: Math.max(0, starts - 1) };
}

/** Seconds and calls by stage, in the order in which the stages first ran. */
function costs(
  stages: readonly { stage: string; seconds: number }[],
  spending: readonly {
    stage: string;
    calls: number;
    promptTokens: number;
    completionTokens: number;
  }[],
): StageCost[] {
  const names = new Set([...stages, ...spending].map(({ stage }) => stage));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return [...names].map((stage) => {
    const timed = stages.filter((row) => row.stage === stage);
    const paid = spending.filter((row) => row.stage === stage);
    return {
      stage,
      seconds: timed.length === 0 ? null : sum(timed.map(({ seconds }) => seconds)),
      calls: sum(paid.map(({ calls }) => calls)),
      promptTokens: sum(paid.map(({ promptTokens }) => promptTokens)),
      completionTokens: sum(paid.map(({ completionTokens }) => completionTokens)),
    };
  });
}
