import type { RunOptions } from "./work.js";
import type { WorkFlags } from "./work-through.js";

/** Flags of a command that works through something. */
export type WorkingFlags = WorkFlags & { readonly detach?: boolean };

/**
 * Does a command's work in this process, or with `--detach` leaves it to one in the background.
 *
 * @param work Is given the command's own flags, and what it shares with others.
 */
export async function hereOrDetached<Flags extends WorkingFlags>(
  { until, detachedLog, detach, ...flags }: Flags,
  shared: Omit<RunOptions, keyof WorkFlags>,
  work: (flags: Omit<Flags, keyof WorkingFlags>, options: RunOptions) => Promise<void>,
): Promise<void> {
  if (detach) return (await import("./commands/detach.js")).detachCommand(shared);
  return work(flags, { ...shared, until, detachedLog });
}
