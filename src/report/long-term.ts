import type { Attempt } from "../core/entities.js";
import type { RecalledLesson } from "../core/lesson.js";
import { familyOf } from "../core/long-term.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { percent, plural } from "./figures.js";
import type { LessonUse, LongTermReport, UseCount } from "./report.js";
import type { Item, Style } from "./sections.js";

/** What a run was told of earlier ones and what it leaves to later ones; null where its recipe has no such memory. */
export function readLongTerm(store: Store, run: RunRow): LongTermReport | null {
  if (run.recipe.longTerm === null) return null;
  const journal = store.longTerm.ofRun(run.id);
  const rounds = store.rounds.all(run.id).map(({ number }) => {
    const { recalled, attempts } = store.rounds.load(run.id, number);
    const own = journal.filter(({ round }) => round === number);
    const happened = new Map<string, LongTermReport["rounds"][number]["happened"][number]>();
    for (const { kind, lessonId, version, reason } of own) {
      const key = `${kind} ${lessonId} ${version}`;
      const text = store.longTerm.versions(lessonId).find((each) => each.version === version)!.text;
      happened.set(key, { kind, text, reason, count: (happened.get(key)?.count ?? 0) + 1 });
    }
    return { round: number, used: usesOf(recalled, attempts), happened: [...happened.values()] };
  });
  return { family: familyOf(run.recipe), rounds };
}

function usesOf(recalled: readonly RecalledLesson[], attempts: readonly Attempt[]): LessonUse[] {
  const graded = new Map<string, { right: number; tries: number }>();
  for (const { taskId, verdict } of attempts) {
    if (verdict.outcome === "ungradable") continue;
    const { right, tries } = graded.get(taskId) ?? { right: 0, tries: 0 };
    graded.set(taskId, { right: right + Number(verdict.outcome === "ok"), tries: tries + 1 });
  }
  const counted = (uses: readonly RecalledLesson[]): UseCount => {
    const own = uses.flatMap(({ taskId }) => graded.get(taskId) ?? []);
    return {
      tasks: own.length,
      right: own.reduce((sum, { right, tries }) => sum + right / tries, 0),
    };
  };
  return [...new Set(recalled.map(({ lessonId }) => lessonId))].map((id) => {
    const own = recalled.filter(({ lessonId }) => lessonId === id);
    return {
      text: own[0]!.text,
      shown: counted(own.filter(({ shown }) => shown)),
      withheld: counted(own.filter(({ shown }) => !shown)),
    };
  });
}

/** For each round which lessons its teacher was told, how it went, and what the memory of the family came to. */
export function longTermItems(longTerm: LongTermReport | null, style: Style): Item[] {
  if (longTerm === null) return [];
  const items = longTerm.rounds.flatMap(({ round, used, happened }): Item[] => {
    const told = used.map(
      ({ text, shown, withheld }) =>
        `Told: ${style.quote(text)} Right with it: ${share(shown)}; without: ${share(withheld)}.`,
    );
    const changed = happened.map(
      ({ kind, text, reason, count }) =>
        `${kind.charAt(0).toUpperCase()}${kind.slice(1)}${count > 1 ? ` by ${count} tasks` : ""}: ${style.quote(text)}${reason === null ? "" : ` (${style.plain(reason)})`}`,
    );
    if (told.length + changed.length === 0) return [];
    const text = `Round ${round}: ${plural(used.length, "lesson")} of earlier rounds told to the teacher.`;
    return [{ text, details: [...told, ...changed] }];
  });
  const what = `Lessons of the family ${style.quote(longTerm.family)}, which outlive the run; the student is never asked with them.`;
  return [{ text: what, details: [] }, ...items];
}

function share({ tasks, right }: UseCount): string {
  return tasks === 0 ? "no task" : `${percent(right / tasks)} of ${plural(tasks, "task")}`;
}
