import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";

/** Why a run that has not finished stands still, and what can be done. */
export interface EndedEarly {
  readonly state: "paused" | "failed" | "interrupted";
  readonly reason: string;
  /** null where nobody wrote down what to do: then it just goes on. */
  readonly hint: string | null;
}

const ends = ["paused", "failed", "interrupted"] as const;
const starts = ["started", "resumed"];

/** What ended the last session of a run; null for one that runs, has finished or never began. */
export function readEnded(store: Store, run: RunRow): EndedEarly | null {
  const state = ends.find((end) => end === run.state);
  const last = store.events
    .of(run.id)
    .findLast(({ kind }) => kind === state || starts.includes(kind));
  if (state === undefined || last === undefined) return null;
  // A full database had no room for the event, only for the run's row.
  const payload = last.kind === state ? last.payload : {};
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : null);
  const reason = text(payload.reason) ?? run.failure ?? "no reason was recorded";
  return { state, reason, hint: text(payload.hint) };
}

/** Whether a hint says itself how to go on, so that nothing has to be added. */
export function saysHowToGoOn(hint: string | null): boolean {
  return hint?.includes("redistill resume") ?? false;
}
