import { PausedError } from "../core/errors.js";
import type { Hours } from "../schedule/index.js";
import { stagesOf } from "../stages/index.js";
import type { Store } from "../store/store.js";

interface Applicant {
  readonly store: Store;
  readonly runId: string;
  readonly hours: Hours;
}

/** The one stage that is not worth beginning if it cannot end: answers are kept one by one. */
const training = "retrain";
/** Trainings of the same size differ by this much. */
const margin = 1.1;

/**
 * Asked before each stage.
 *
 * @throws OutsideHours when the run has to wait for a window, or a training would not end in this one.
 * @throws PausedError `request` when somebody asked for a pause.
 */
export function admit({ store, runId, hours }: Applicant): void {
  if (store.requests.pauseAsked(runId)) {
    throw new PausedError(
      "request",
      `run ${runId} is paused on request; everything it paid for is kept`,
      `Go on with: redistill resume ${runId}`,
    );
  }
  const opening = hours.look();
  if (!opening.open) throw hours.outside(runId, opening.opens);
  if (opening.closes === null) return;
  const seconds = trainingAhead(store, runId);
  const left = (opening.closes.getTime() - hours.now().getTime()) / 1000;
  if (seconds === null || seconds <= left) return;
  const next = hours.windowAfter(opening.closes);
  // Longer than a whole window: it begins, is stopped with a checkpoint and goes on in the next.
  if (next?.closes && seconds > (next.closes.getTime() - next.opens.getTime()) / 1000) return;
  throw hours.outside(
    runId,
    next?.opens ?? null,
    `the training takes about ${minutes(seconds)} and ${minutes(left)} are left`,
  );
}

/** How long the training that is next will take; null if another stage is, or none was measured. */
function trainingAhead(store: Store, runId: string): number | null {
  const round = store.rounds.all(runId).at(-1);
  if (round === undefined || round.finishedAt !== null) return null;
  const rows = store.rounds.stages(runId);
  const done = rows.filter((row) => row.round === round.number).map(({ stage }) => stage);
  const { recipe } = store.runs.find(runId)!;
  if (stagesOf(recipe).find(([name]) => !done.includes(name))?.[0] !== training) return null;
  // Of a training that was interrupted the stage has only the last part; the adapter has all of it.
  const trainedFor = (number: number) => {
    const { candidate } = store.rounds.all(runId).find((each) => each.number === number) ?? {};
    return (candidate && store.adapters.find(candidate)?.seconds) || 0;
  };
  // A training set grows from round to round, and the time with it.
  const rates = rows
    .filter(({ stage, summary }) => stage === training && Number(summary.examples) > 0)
    .map((row) => Math.max(row.seconds, trainedFor(row.round)) / Number(row.summary.examples));
  if (rates.length === 0) return null;
  return Math.max(...rates) * store.rounds.examples.of(runId, round.number).length * margin;
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} minutes`;
}
