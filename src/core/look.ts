import type { Look } from "./entities.js";

const endings = { better: "decided", hopeless: "given up", open: "undecided" } as const;

/** "decided after 210 of 400 tasks; wealth 172, 160 needed". */
export function lookText({ outcome, tasks, horizon, wealth }: Look, level: number): string {
  return `${endings[outcome]} after ${tasks} of ${horizon} tasks; wealth ${short(wealth)}, ${short(wealthNeeded(level))} needed`;
}

/** The wealth at which a look of this level has shown that the candidate is better: 1 / level (Ville 1939). */
export function wealthNeeded(level: number): number {
  return 1 / level;
}

/** "4 attempts each", or nothing where each task is asked once. */
export function attemptsText({ attempts }: Pick<Look, "attempts">): string {
  return attempts === 1 ? "" : `, ${attempts} attempts each`;
}

/** Candidate against incumbent, as a share. */
export function lookDifference({ candidate, incumbent }: Look): number {
  return candidate - incumbent;
}

/** Three digits are enough of a bet. */
function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
