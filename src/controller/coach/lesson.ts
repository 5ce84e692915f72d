import type { LeverValue, Plan, PolicyDecision } from "../../core/policy.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";
import { coachEvidence } from "../memory/coach-evidence.js";
import { type LessonDraft, lessonRefusals, writeLesson } from "../memory/write.js";
import type { CoachLesson } from "./types.js";

/** Why the memory would not keep a coach's lesson, as it is now; null where it would. */
export function lessonObjection(
  store: Store,
  run: RunRow,
  round: number,
  lesson: CoachLesson,
): string | null {
  return lessonRefusals(store, run, [draftOf(store, run, round, lesson)])[0] as string | null;
}

/**
 * Writes what a plan's coach would remember into the long-term memory. Call it inside the plan's transaction.
 *
 * @returns the plan, whose decision says what became of the lesson: it may have been retired at once, or speak for
 *   another one; a lesson that was not kept after all is no decision's outcome (`to` is null).
 */
export function keepLesson(store: Store, run: RunRow, plan: Plan): Plan {
  const decisions = plan.decisions.map((decision): PolicyDecision => {
    if (decision.what !== "lesson") return decision;
    const text = String(decision.to);
    const lesson = { cluster: String(decision.saw.cluster), text };
    const { round } = plan;
    const written = writeLesson(store, run, round, draftOf(store, run, round, lesson));
    const saw = (became: string, more: Record<string, LeverValue> = {}) => ({
      saw: { ...decision.saw, became, ...more },
    });
    if ("refused" in written) {
      return { ...decision, to: null, ...saw(`not kept: ${written.refused}`, { text }) };
    }
    return { ...decision, ...saw(becameOf(store, written.id, text)) };
  });
  return { ...plan, decisions };
}

function becameOf({ longTerm }: Store, id: string, text: string): string {
  const lesson = longTerm.find(id)!;
  if (lesson.state !== "active") return `kept, and not in use: ${lesson.reason}`;
  return lesson.text === text ? "kept" : `it speaks for one that says the same: ${lesson.text}`;
}

function draftOf(
  store: Store,
  run: RunRow,
  round: number,
  { cluster, text }: CoachLesson,
): LessonDraft {
  const evidence = coachEvidence(store, run.id, round, cluster);
  return { text, cluster, source: "coach", evidence };
}
