import type { Decision } from "../core/entities.js";
import { PausedError } from "../core/errors.js";
import { healthAdvice, type Reading } from "../core/health.js";
import type { Verify } from "../core/ports.js";
import { type HealthInput, readHealth } from "../health/index.js";
import type { StageInput } from "../stages/types.js";
import type { RoundRow } from "../store/rounds.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";

/** The word for a pause that a monitor asked for, in events and errors. */
const cause = "health";

/** What the monitors see in a round that the gate has just decided. Asks no model; writes nothing. */
export async function measureHealth(
  store: Store,
  run: RunRow,
  input: StageInput,
  decision: Decision,
  verify: Verify,
): Promise<Reading[]> {
  return readHealth({
    recipe: run.recipe,
    round: input.round,
    tasks: input.tasks,
    incumbent: input.incumbent?.sha256 ?? null,
    rows: { ...input.rows, decision },
    first: store.readings.first(run.id),
    byReference: await checkedByReference(input, verify),
  });
}

/** Attempts that a majority labelled, checked after the fact where a reference is there. */
async function checkedByReference(
  { recipe, rows, tasks }: StageInput,
  verify: Verify,
): Promise<HealthInput["byReference"]> {
  if (recipe.teacher.labels === "reference") return new Map();
  const known = new Map(tasks.train.map((task) => [task.id, task]));
  const open = rows.attempts.flatMap(({ id, taskId, answer }) => {
    const task = known.get(taskId);
    const checked = task !== undefined && task.verifier.kind !== "rubric";
    return !checked || task.reference === null ? [] : [{ id, task, answer }];
  });
  const verdicts = await verify(open);
  return new Map(open.map(({ id }, position) => [id, verdicts[position]!.outcome]));
}

/**
 * Writes a round's readings and does what those that fired ask for. Call in the transaction that
 * writes the gate's decision: then a killed process has done all of it or nothing.
 */
export function commitHealth(
  store: Store,
  run: RunRow,
  round: RoundRow,
  decision: Decision,
  readings: readonly Reading[],
): void {
  store.readings.insertAll(run.id, readings);
  const fired = readings.filter((reading) => reading.fired);
  for (const { monitor, action, text } of fired) {
    store.events.append(run.id, round.number, "health", { monitor, action, text });
  }
  const against = fired.filter(({ action }) => action === "roll-back");
  if (decision.outcome !== "promoted" || against.length === 0) return;
  store.runs.setIncumbent(run.id, round.incumbent);
  store.events.append(run.id, round.number, "rolled back", {
    from: round.candidate,
    to: round.incumbent,
    monitors: against.map(({ monitor }) => monitor),
  });
}

/** What watchers are told of the monitors that fired, a sentence each. */
export function healthNotes(readings: readonly Reading[], decision: Decision): string[] {
  return readings
    .filter(({ fired }) => fired)
    .map((reading) => `Health, round ${reading.round}: ${firing(reading, decision)}.`);
}

function firing({ monitor, action, text }: Reading, { outcome }: Decision): string {
  const consequence = {
    warn: "",
    stop: "; the run stops here",
    "roll-back":
      outcome === "promoted"
        ? "; the promotion is taken back"
        : "; nothing to roll back, since nothing was promoted",
  };
  return `${monitor} fired: ${text}${consequence[action]}`;
}

/**
 * Pauses a run whose last decided round has a reading that asks for it. Whether that was heeded is
 * read from the events: a stop without a pause after it was lost in a kill and is made up for; one
 * with a pause after it has been seen by whoever resumed, and does not stop the run again.
 *
 * @throws PausedError `health`, with what was seen and what can be done.
 */
export function pauseForHealth(store: Store, run: RunRow, round: number): void {
  const stops = store.readings
    .ofRound(run.id, round)
    .filter(({ fired, action }) => fired && action === "stop");
  if (stops.length === 0) return;
  const events = store.events.of(run.id);
  const decided = events.findLast((event) => event.kind === "health" && event.round === round);
  const paused = events.findLast(
    (event) => event.kind === "paused" && event.payload.cause === cause,
  );
  if (decided && paused && paused.sequence > decided.sequence) return;
  const advice = [...new Set(stops.map(({ monitor }) => healthAdvice[monitor]))];
  throw new PausedError(
    cause,
    `run ${run.id} waits after round ${round}: ${stops.map(({ monitor, text }) => `${monitor}: ${text}`).join("; ")}`,
    `${advice.join(" ")} A changed recipe is a new run; \`redistill resume ${run.id}\` goes on with this one as it is.`,
  );
}
