import { untilAborted } from "../core/until-aborted.js";

/** What runs share that one process works on side by side. */
export interface Beside {
  readonly calls: CallsUnderWay;
  /** Once aborted, each run ends its unit of work and begins no other: one of them has failed or paused. */
  readonly enough: AbortSignal;
}

/**
 * Calls that runs of one process are asking for, by key: a second run that wants the same answer waits for it in
 * place of paying for it again. It lives in memory alone, since it is only about what is under way.
 */
export class CallsUnderWay {
  private readonly claims = new Map<string, Claim>();

  /**
   * Takes keys that nobody has claimed. Call without a pause after a look into the database that did not find them.
   *
   * @returns those of them that are the caller's now, to be released one by one.
   */
  claim(keys: Iterable<string>): Set<string> {
    const own = new Set<string>();
    for (const key of keys) {
      if (this.claims.has(key)) continue;
      this.claims.set(key, newClaim());
      own.add(key);
    }
    return own;
  }

  /** The answer is in the database, or the caller asks no more: whoever waits looks for it, or claims it. */
  release(key: string): void {
    this.claims.get(key)?.release();
    this.claims.delete(key);
  }

  /** Waits until none of these is claimed; rejects with the signal's reason. */
  async wait(keys: Iterable<string>, signal: AbortSignal): Promise<void> {
    const claimed = [...keys].flatMap((key) => this.claims.get(key)?.released ?? []);
    await untilAborted(Promise.all(claimed), signal);
  }
}

interface Claim {
  readonly released: Promise<void>;
  release(): void;
}

function newClaim(): Claim {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { released, release };
}
