import type { RoundRow } from "../store/rounds.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { type Problem, restoreIt } from "./problem.js";

/**
 * Whether the incumbents of a run follow from its decisions: it begins with the base weights, only
 * a promotion puts the round's candidate in their place, and only a roll-back takes that one back.
 */
export function chainProblems(store: Store, run: RunRow): Problem[] {
  const problems: string[] = [];
  const say = (what: string) => problems.push(what);
  const takenBack = new Set(
    store.events
      .of(run.id)
      .filter(({ kind }) => kind === "rolled back")
      .map(({ round }) => round),
  );
  let expected: string | null = null;
  for (const [index, round] of store.rounds.all(run.id).entries()) {
    const where = `round ${round.number}`;
    if (round.number !== index + 1) say(`${where} comes after round ${index}`);
    if (round.incumbent !== expected) {
      say(
        `${where} began with ${name(round.incumbent)}; the decisions before it left ${name(expected)}`,
      );
    }
    const decision = store.rounds.decision(run.id, round.number);
    if (decision === null) {
      if (round.finishedAt !== null) say(`${where} ended without a decision`);
      continue;
    }
    problems.push(...decisionProblems(store, run, round));
    const promoted = decision.outcome === "promoted" && !takenBack.has(round.number);
    expected = promoted ? round.candidate : round.incumbent;
  }
  if (run.incumbent !== expected) {
    say(`its incumbent is ${name(run.incumbent)}; its decisions led to ${name(expected)}`);
  }
  return problems.map((what) => ({
    run: run.id,
    what: `Run ${run.id}: ${what}.`,
    todo: restoreIt,
  }));
}

/** Whether a decision says of the gate's answers what they are. */
function decisionProblems(store: Store, run: RunRow, round: RoundRow): string[] {
  const { number, incumbent, candidate } = round;
  const decision = store.rounds.decision(run.id, number)!;
  const problems: string[] = [];
  if (decision.outcome === "promoted" && candidate === null) {
    problems.push(`round ${number} promoted a candidate that it does not have`);
  }
  if (decision.outcome === "skipped" && candidate !== null) {
    problems.push(`round ${number} says that it had no candidate, and has one`);
  }
  const row = candidate === null ? null : store.adapters.find(candidate);
  if (row !== null && row.parent !== null && row.round === number && row.parent !== incumbent) {
    problems.push(
      `round ${number} trained on ${name(row.parent)}, which was not its incumbent ${name(incumbent)}`,
    );
  }
  if (decision.gate !== null && candidate !== null) {
    const { gained, lost, tasks } = decision.gate;
    // Those that decided: a sequential gate may have asked them more since then.
    const seen = store.audit.changes(run.id, "gate", incumbent, candidate, tasks);
    if (seen.gained !== gained || seen.lost !== lost) {
      problems.push(
        `round ${number} was decided on ${gained} gained and ${lost} lost gate tasks; the answers have ${seen.gained} and ${seen.lost}`,
      );
    }
  }
  return problems;
}

function name(adapter: string | null): string {
  return adapter === null ? "the base weights" : `adapter ${adapter.slice(0, 12)}`;
}
