import type { LeverValue, Plan, PolicyDecision } from "../../core/policy.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";
import { type LessonDraft, lessonRefusals, writeLesson } from "../memory/write.js";
import type { RunContext } from "../unit.js";
import type { CoachLesson } from "./types.js";

/** Tasks that speak for a coach's lesson, at most. */
const mostEvidence = 8;

type Parts = Pick<RunContext, "store" | "tasks">;

/** Why the memory would not keep a coach's lesson, as it is now; null where it would. */
export function lessonObjection(
  parts: Parts,
  run: RunRow,
  round: number,
  lesson: CoachLesson,
): string | null {
  return lessonRefusals(parts.store, run, [draftOf(parts, run, round, lesson)])[0] as string | null;
}

/**
 * Writes what a plan's coach would remember into the long-term memory. Call it inside the plan's transaction.
 *
 * @returns the plan, whose decision says what became of the lesson: it may have been retired at once, or speak for
 *   another one; a lesson that was not kept after all is no decision's outcome (`to` is null).
 */
export function keepLesson(parts: Parts, run: RunRow, plan: Plan): Plan {
  const decisions = plan.decisions.map((decision): PolicyDecision => {
    if (decision.what !== "lesson") return decision;
    const text = String(decision.to);
    const lesson = { cluster: String(decision.saw.cluster), text };
    const { round } = plan;
    const written = writeLesson(parts.store, run, round, draftOf(parts, run, round, lesson));
    const saw = (became: string, more: Record<string, LeverValue> = {}) => ({
      saw: { ...decision.saw, became, ...more },
    });
    if ("refused" in written) {
      return { ...decision, to: null, ...saw(`not kept: ${written.refused}`, { text }) };
    }
    return { ...decision, ...saw(becameOf(parts.store, written.id, text)) };
  });
  return { ...plan, decisions };
}

function becameOf({ longTerm }: Store, id: string, text: string): string {
  const lesson = longTerm.find(id)!;
  if (lesson.state !== "active") return `kept, and not in use: ${lesson.reason}`;
  return lesson.text === text ? "kept" : `it speaks for one that says the same: ${lesson.text}`;
}

/** Training tasks whose failures were in its group speak for a lesson. */
function draftOf(
  { store, tasks }: Parts,
  run: RunRow,
  round: number,
  { cluster, text }: CoachLesson,
): LessonDraft {
  const failed = store.clusters.ofTasks(run.id, round);
  const evidence = tasks.train
    .filter(({ id }) => failed.get(id) === cluster)
    .slice(0, mostEvidence)
    .map(({ id }) => ({
      ...{ round: round - 1, taskId: id },
      ...{ attemptId: null, critiqueId: null, revisionId: null },
    }));
  return { text, cluster, source: "coach", evidence };
}
