import type { RunEvent } from "../store/events.js";
import { payloadText, spaced } from "./event-text.js";
import type { HowItWent } from "./report.js";

/** Kinds that are no fault: the loop's own, those that end a session in order, and people's wishes. */
const ordinary = new Set([
  ...["started", "resumed", "finished", "promoted", "rejected", "skipped"],
  ...["interrupted", "paused", "failed"],
  // The health of learning has a section of its own.
  ...["settings", "health", "rolled back", "lessons"],
]);

/** What a run survived, counted from its events. */
export function readFaults(
  events: readonly RunEvent[],
): Pick<HowItWent, "interruptions" | "pauses" | "failures" | "crashes" | "resumes" | "others"> {
  let [interruptions, crashes, starts, working] = [0, 0, 0, false];
  const failures: string[] = [];
  const pauses = new Map<string, number>();
  const others = new Map<string, number>();
  for (const { kind, payload } of events) {
    if (kind === "started" || kind === "resumed") {
      starts++;
      // A start that follows another without an end between them tells of a crash.
      if (working) crashes++;
      working = true;
      continue;
    }
    if (kind === "interrupted") interruptions++;
    if (kind === "failed") {
      failures.push(typeof payload.reason === "string" ? payload.reason : "no reason was recorded");
    }
    if (kind === "paused") {
      const cause = typeof payload.cause === "string" ? payload.cause : payloadText(payload);
      pauses.set(cause, (pauses.get(cause) ?? 0) + 1);
    }
    if (!ordinary.has(kind)) others.set(spaced(kind), (others.get(spaced(kind)) ?? 0) + 1);
    if (["interrupted", "failed", "paused", "finished"].includes(kind)) working = false;
  }
  const counted = (counts: Map<string, number>) =>
    [...counts].map(([what, count]) => ({ what, count }));
  return {
    interruptions,
    pauses: counted(pauses),
    failures,
    crashes,
    resumes: Math.max(0, starts - 1),
    others: counted(others),
  };
}
