import type { Clock } from "../core/clock.js";
import { RedistillError } from "../core/errors.js";
import { type Lease, LeaseLostError, type LeaseOwner, type ProcessMark } from "../store/leases.js";
import type { Store } from "../store/store.js";
import { commitAt } from "./commit.js";

/** What a lease has to know of this machine's processes. */
export interface Processes {
  readonly self: LeaseOwner;
  /** Whether an owner is provably gone: on this machine, and no longer a process. */
  isGone(owner: LeaseOwner): boolean;
  /** Ends a trainer that a former owner on this machine left behind. */
  endWorker(owner: LeaseOwner, worker: ProcessMark): void;
}

export interface LeaseOptions {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly times?: LeaseTimes;
}

export interface LeaseTimes {
  /** How often the holder gives a sign of life, in milliseconds. */
  readonly beatMs: number;
  /** After how long a silence, in milliseconds, others may take over. */
  readonly durationMs: number;
}

/** What the holder of a lease works with. */
export interface Held {
  /** Its transactions write only as long as the lease is held. */
  readonly store: Store;
  /** Aborted when the lease is lost, too. */
  readonly signal: AbortSignal;
  /** Says which trainer process belongs to this controller, for whoever takes over after it. */
  watchWorker(worker: () => ProcessMark | null): void;
}

/** A garbage collection, a slow disk and a locked database together stay well below a minute. */
const usualTimes: LeaseTimes = { beatMs: 5_000, durationMs: 60_000 };

/**
 * Works on a run as its only controller. The lease of a process that is provably gone is taken
 * over at once, another's after it ran out. Whoever stood still for longer than its lease finds
 * its epoch outdated, and writes nothing.
 *
 * @throws RedistillError `state` (exit code 7) when another process works on the run, also when it
 * took the run over meanwhile (LeaseLostError).
 */
export async function withLease<T>(
  store: Store,
  runId: string,
  options: LeaseOptions,
  use: (held: Held) => Promise<T>,
): Promise<T> {
  const epoch = await takeLease(store, runId, options);
  const fenced = store.fenced(runId, epoch);
  const [ended, lost] = [new AbortController(), new AbortController()];
  let worker: () => ProcessMark | null = () => null;
  const beating = keepBeating(options, ended.signal, lost, () =>
    commitAt(fenced, "lease:beat", () =>
      fenced.leases.beat(runId, options.clock.now().getTime(), worker()),
    ),
  );
  let result: T;
  try {
    result = await use({
      store: fenced,
      signal: AbortSignal.any([options.signal, lost.signal]),
      watchWorker: (current) => {
        worker = current;
      },
    });
  } catch (error) {
    ended.abort();
    await beating;
    giveBack(fenced, runId);
    throw lost.signal.aborted ? lost.signal.reason : error;
  }
  ended.abort();
  await beating;
  const late = giveBack(fenced, runId);
  // Somebody else ended the run: what this process read of it is no result of its own.
  if (late instanceof LeaseLostError) throw late;
  return result;
}

async function takeLease(store: Store, runId: string, options: LeaseOptions): Promise<number> {
  const { processes, clock, times = usualTimes } = options;
  for (;;) {
    options.signal.throwIfAborted();
    const seen = store.leases.find(runId);
    const gone = seen?.owner == null || processes.isGone(seen.owner);
    if (!gone && !(await isSilent(store, runId, seen, options)))
      throw refusal(runId, seen, options);
    const now = clock.now().getTime();
    const epoch = commitAt(store, "lease:take", () =>
      store.leases.take(runId, seen, processes.self, { now, durationMs: times.durationMs }),
    );
    if (epoch === null) continue;
    // Two trainers on one job would overwrite each other's checkpoint.
    if (seen?.owner && seen.worker) processes.endWorker(seen.owner, seen.worker);
    return epoch;
  }
}

/** Whether a lease ran out by its time, and no sign of life comes while one listens. */
async function isSilent(
  store: Store,
  runId: string,
  seen: Lease,
  { clock, signal, times = usualTimes }: LeaseOptions,
): Promise<boolean> {
  const age = clock.now().getTime() - seen.beatAt;
  if (age >= 0 && age <= seen.durationMs) return false;
  // Wall clocks are changed by people, and machines wake up: an owner that lives is heard soon.
  await clock.sleep(2 * times.beatMs, signal);
  const again = store.leases.find(runId);
  return again?.epoch === seen.epoch && again.beat === seen.beat;
}

function refusal(runId: string, { owner }: Lease, { processes }: LeaseOptions): RedistillError {
  const where = owner?.host === processes.self.host ? "" : ` on ${owner?.host}`;
  return new RedistillError(
    "state",
    `run ${runId} is being worked on by process ${owner?.pid}${where}`,
    `Watch it with \`redistill status ${runId}\`, or stop that process first.`,
  );
}

async function keepBeating(
  { clock, times = usualTimes }: LeaseOptions,
  ended: AbortSignal,
  lost: AbortController,
  beat: () => void,
): Promise<void> {
  while (!ended.aborted) {
    await clock.sleep(times.beatMs, ended).catch(() => {});
    if (ended.aborted) return;
    try {
      beat();
    } catch (error) {
      // A full or locked database: the run's own writes will say so, or the next beat gets through.
      if (!(error instanceof LeaseLostError)) continue;
      lost.abort(error);
      return;
    }
  }
}

/**
 * What cannot be given back, as on a full disk, is taken over when this process has ended.
 *
 * @returns why it could not be given back, or null.
 */
function giveBack(fenced: Store, runId: string): unknown {
  try {
    commitAt(fenced, "lease:release", () => fenced.leases.release(runId));
    return null;
  } catch (error) {
    return error;
  }
}
