import { admit } from "../controller/admission.js";
import type { Observe } from "../controller/progress.js";
import type { Clock } from "../core/clock.js";
import { RedistillError } from "../core/errors.js";
import { type Hours, OutsideHours, sayWhen } from "../schedule/index.js";
import type { Store } from "../store/store.js";

/** The clock is read at least this often while a run waits, in milliseconds. */
const slice = 30_000;

interface Waiting {
  readonly store: Store;
  readonly runId: string;
  readonly hours: Hours;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly observe: Observe;
  /** Called before each wait. */
  release(): Promise<void>;
}

/**
 * Works in the run's hours, as often as it takes, and waits between them. What work opens (engine,
 * trainer) it closes, so that a run that waits for the night holds no memory by day.
 *
 * @throws OutsideHours when nothing opens before the time of `--until`.
 */
export async function throughHours(waiting: Waiting, work: () => Promise<void>): Promise<void> {
  for (;;) {
    await untilAdmitted(waiting);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof OutsideHours) || error.opens === null) throw error;
    }
  }
}

async function untilAdmitted(waiting: Waiting): Promise<void> {
  const { runId, hours, clock, signal, observe } = waiting;
  let told = Number.NaN;
  for (;;) {
    const opens = opening(waiting);
    if (opens === null) return;
    await waiting.release();
    if (opens.getTime() !== told) {
      const when = sayWhen(opens, hours.timeZone);
      observe({ kind: "note", text: `Run ${runId} waits for its next window: ${when}.` });
    }
    told = opens.getTime();
    // In slices: a machine that sleeps, or whose clock is put right, would wait too long otherwise.
    const left = Math.max(1, opens.getTime() - clock.now().getTime());
    await clock.sleep(Math.min(left, slice), signal).catch((cause) => {
      if (!signal.aborted) throw cause;
      if (signal.reason instanceof RedistillError) throw signal.reason;
      throw new RedistillError(
        "interrupted",
        `run ${runId} was stopped while it waited for its next window`,
        `Go on with: redistill resume ${runId}`,
        { cause },
      );
    });
  }
}

/** When the run may go on; null for now. */
function opening(waiting: Waiting): Date | null {
  try {
    admit(waiting);
    return null;
  } catch (error) {
    if (error instanceof OutsideHours && error.opens !== null) return error.opens;
    throw error;
  }
}
