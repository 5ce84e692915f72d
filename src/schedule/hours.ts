import type { Clock } from "../core/clock.js";
import { PausedError } from "../core/errors.js";
import { parseTimeOfDay, type Schedule } from "../core/schedule.js";
import { sayWhen } from "./wall-clock.js";
import { closesAt, isOpen, nextTimeOfDay, opensAt } from "./windows.js";

/** Open until `closes` (null: for good), or closed until `opens` (null: for good). */
export type Opening =
  | { readonly open: true; readonly closes: Date | null }
  | { readonly open: false; readonly opens: Date | null };

/** A run that has to wait for its hours. */
export class OutsideHours extends PausedError {
  constructor(
    message: string,
    hint: string,
    /** When it may go on by itself; null if somebody has to start it again. */
    readonly opens: Date | null,
  ) {
    super("window", message, hint);
  }
}

/** How often a stage that is being worked on looks at the clock, in milliseconds. */
const lookEvery = 1_000;

/**
 * When a run may work: in the windows of its schedule, and not after the time that `--until` named.
 * Each look reads the wall clock anew, so that a machine that slept or whose clock was put right
 * finds out at the next look.
 */
export class Hours {
  readonly timeZone: string | null;
  private readonly time: number | null;
  private deadline: Date | null;
  private lastLook = Number.NEGATIVE_INFINITY;

  /** @param until "07:00" in the schedule's time zone: the next time that the clock shows it. */
  constructor(
    private readonly schedule: Schedule | null,
    readonly until: string | null,
    private readonly clock: Clock,
  ) {
    this.timeZone = schedule?.timeZone ?? null;
    this.time = until === null ? null : parseTimeOfDay(until);
    this.deadline =
      this.time === null ? null : nextTimeOfDay(this.time, this.timeZone, clock.now());
  }

  now(): Date {
    return this.clock.now();
  }

  look(): Opening {
    const now = this.clock.now();
    if (this.deadline !== null && this.time !== null) {
      if (now >= this.deadline) return { open: false, opens: null };
      // A clock that was put back must not move the end of the night by days.
      this.deadline = earlier(this.deadline, nextTimeOfDay(this.time, this.timeZone, now));
    }
    if (this.schedule === null) return { open: true, closes: this.deadline };
    if (isOpen(this.schedule, now)) {
      return { open: true, closes: earlier(closesAt(this.schedule, now), this.deadline) };
    }
    return { open: false, opens: this.beforeDeadline(opensAt(this.schedule, now)) };
  }

  /** The window after the one that closes at an instant, as far as `--until` lets it be. */
  windowAfter(closes: Date): { readonly opens: Date; readonly closes: Date | null } | null {
    if (this.schedule === null) return null;
    const opens = this.beforeDeadline(opensAt(this.schedule, closes));
    return opens && { opens, closes: earlier(closesAt(this.schedule, opens), this.deadline) };
  }

  /** A look for work in progress, which may ask at every token; now and then it reads the clock. */
  haveClosed(): boolean {
    const now = this.clock.monotonic();
    if (now - this.lastLook < lookEvery) return false;
    this.lastLook = now;
    return !this.look().open;
  }

  /** The error for a run that may not work now; `because` says why in place of the usual. */
  outside(runId: string, opens: Date | null, because?: string): OutsideHours {
    const resume = `redistill resume ${runId}`;
    if (opens === null) {
      const over = this.until === null ? "the schedule opens no more" : `it is past ${this.until}`;
      const message = `run ${runId} is paused: ${because ?? over}; everything it paid for is kept`;
      return new OutsideHours(message, `Go on with: ${resume}`, null);
    }
    const when = sayWhen(opens, this.timeZone);
    return new OutsideHours(
      `run ${runId} is paused: ${because ?? "it is outside the windows of its schedule"}; the next window opens ${when}`,
      `\`${resume}\` waits for it and goes on then.`,
      opens,
    );
  }

  private beforeDeadline(opens: Date | null): Date | null {
    return opens !== null && this.deadline !== null && opens >= this.deadline ? null : opens;
  }
}

function earlier(first: Date, second: Date | null): Date;
function earlier(first: Date | null, second: Date | null): Date | null;
function earlier(first: Date | null, second: Date | null): Date | null {
  if (first === null || second === null) return first ?? second;
  return first <= second ? first : second;
}
