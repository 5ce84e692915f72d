import type { Clock } from "../core/clock.js";
import { messageOf } from "../core/errors.js";
import type { Notice } from "../core/notify.js";
import type { Channel } from "./channel.js";
import { longestDelay, mostAttempts, retryDelay } from "./delay.js";
import type { Delivery, Post } from "./post.js";

/** A notification that has not been delivered yet. */
export interface WaitingNotice extends Notice {
  readonly channel: string;
  /** Attempts so far. */
  readonly attempts: number;
  /** ISO 8601; null is at once. */
  readonly nextAttemptAt: string | null;
}

/** Where notifications wait; each function is one transaction. */
export interface Outbox {
  /** Oldest first. */
  waiting(): WaitingNotice[];
  sent(id: string): void;
  failed(id: string, problem: string, nextAttemptAt: Date): void;
  giveUp(id: string, problem: string): void;
}

export interface SenderOptions {
  readonly outbox: Outbox;
  /** By key; null is a channel whose secrets are missing now: its messages wait. */
  readonly channels: ReadonlyMap<string, Channel | null>;
  readonly post: Post;
  readonly clock: Clock;
  /** Of the run; the jitter comes from it. */
  readonly seed: number;
  /** A sentence for people, free of secrets. */
  note(text: string): void;
}

const lookEvery = 1_000;
/** After the outbox could not be written, in milliseconds. */
const writeAgainAfter = 60_000;

/**
 * Sends what waits in an outbox, beside the loop. Messages of a channel go in their order; channels
 * do not wait for each other. At least once: a message whose answer was lost is sent again, under
 * the same id. Nothing that goes wrong here is thrown.
 */
export class Sender {
  private readonly stopped = new AbortController();
  private readonly late = new AbortController();
  private working: Promise<void> = Promise.resolve();
  /** On the monotonic clock. */
  private readonly due = new Map<string, number>();
  /** Delivered, though the outbox may not know it yet: never sent twice by this process. */
  private readonly delivered = new Set<string>();
  private readonly troubled = new Set<string>();

  constructor(private readonly options: SenderOptions) {}

  /** Looks into the outbox every second, until `finish`. */
  start(): void {
    this.working = (async () => {
      while (!this.stopped.signal.aborted) {
        await this.sendDue();
        await this.options.clock.sleep(lookEvery, this.stopped.signal).catch(() => {});
      }
    })();
  }

  /**
   * Stops, and gives what waits a last chance for so many milliseconds. What is not sent by then
   * stays in the outbox.
   */
  async finish(patience: number): Promise<void> {
    const { clock } = this.options;
    const end = clock.monotonic() + patience;
    const timer = setTimeout(() => this.late.abort(), patience);
    this.stopped.abort();
    await this.working;
    while (!this.late.signal.aborted) {
      await this.sendDue();
      const next = Math.min(...this.queues().map(([head]) => this.dueAt(head!)));
      if (next > end) break;
      await clock.sleep(Math.max(0, next - clock.monotonic()), this.late.signal).catch(() => {});
    }
    clearTimeout(timer);
  }

  /** Sends every message whose time has come, one after the other in each channel. */
  async sendDue(): Promise<void> {
    await Promise.all(
      this.queues().map(async (queue) => {
        for (const notice of queue) {
          if (this.late.signal.aborted) return;
          if (this.dueAt(notice) > this.options.clock.monotonic()) return;
          if (!(await this.attempt(notice))) return;
        }
      }),
    );
  }

  /** One attempt; true if the next message of the channel may go. */
  private async attempt(notice: WaitingNotice): Promise<boolean> {
    const { outbox, post, channels, note } = this.options;
    const channel = channels.get(notice.channel);
    if (!channel) {
      return this.write(notice, () => outbox.giveUp(notice.id, "its channel left the recipe"));
    }
    if (!this.delivered.has(notice.id)) {
      let delivery: Delivery;
      try {
        delivery = await post(channel, notice, this.late.signal);
      } catch {
        // Out of time: it may have arrived or not, and is sent again later.
        return false;
      }
      if (delivery.kind !== "delivered") return this.postpone(notice, channel, delivery);
      if (this.troubled.delete(channel.name)) note(`notifications: ${channel.name} works again`);
      this.delivered.add(notice.id);
    }
    return this.write(notice, () => outbox.sent(notice.id));
  }

  private postpone(
    notice: WaitingNotice,
    channel: Channel,
    delivery: Exclude<Delivery, { kind: "delivered" }>,
  ): boolean {
    const { outbox, clock, note, seed } = this.options;
    const attempts = notice.attempts + 1;
    const problem = `${channel.name}: ${delivery.problem}`;
    if (delivery.kind === "refused" || attempts >= mostAttempts) {
      note(`notification "${notice.title}" given up. ${problem}`);
      return this.write(notice, () => outbox.giveUp(notice.id, problem));
    }
    if (!this.troubled.has(channel.name)) {
      this.troubled.add(channel.name);
      note(`notification "${notice.title}" is not delivered yet and tried again. ${problem}`);
    }
    const delay = retryDelay(seed, notice.id, attempts, delivery.retryAfter);
    const at = new Date(clock.now().getTime() + delay);
    if (this.write(notice, () => outbox.failed(notice.id, problem, at))) {
      this.due.set(notice.id, clock.monotonic() + delay);
    }
    return false;
  }

  /** A wall clock that was set back must not hold a message for a month: long waits count as none. */
  private dueAt({ id, nextAttemptAt }: WaitingNotice): number {
    const { clock } = this.options;
    const known = this.due.get(id);
    if (known !== undefined) return known;
    const wait = nextAttemptAt === null ? 0 : Date.parse(nextAttemptAt) - clock.now().getTime();
    const at = clock.monotonic() + (wait > 0 && wait <= longestDelay ? wait : 0);
    this.due.set(id, at);
    return at;
  }

  /** What waits, by channel; without those channels that cannot be used now. */
  private queues(): WaitingNotice[][] {
    const queues = new Map<string, WaitingNotice[]>();
    for (const notice of this.waiting()) {
      if (this.options.channels.get(notice.channel) === null) continue;
      queues.set(notice.channel, [...(queues.get(notice.channel) ?? []), notice]);
    }
    return [...queues.values()];
  }

  private waiting(): WaitingNotice[] {
    try {
      return this.options.outbox.waiting();
    } catch (error) {
      this.outboxFails(error);
      return [];
    }
  }

  private write(notice: WaitingNotice, work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.due.set(notice.id, this.options.clock.monotonic() + writeAgainAfter);
      this.outboxFails(error);
      return false;
    }
  }

  private outboxFails(error: unknown): void {
    if (this.troubled.has("outbox")) return;
    this.troubled.add("outbox");
    this.options.note(`notifications: the outbox cannot be used now: ${messageOf(error)}`);
  }
}
