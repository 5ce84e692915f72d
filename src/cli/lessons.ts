import { RedistillError } from "../core/errors.js";
import { confidenceAt, type LongTermLesson } from "../core/lesson.js";
import { nearest } from "../core/nearest.js";
import type { Store } from "../store/store.js";
import type { Output } from "./output.js";
import type { Workspace } from "./paths.js";

export interface MemoryOptions {
  readonly workspace: Workspace;
  readonly output: Output;
}

/**
 * The lesson of an id, or of the beginning of one.
 *
 * @throws RedistillError `usage` for an id that is unknown, with the nearest, or that begins several.
 */
export function findLesson(store: Store, named: string): LongTermLesson {
  const all = store.longTerm.all(null);
  const exact = all.find(({ id }) => id === named);
  if (exact) return exact;
  const begun = all.filter(({ id }) => named !== "" && id.startsWith(named));
  if (begun.length === 1) return begun[0]!;
  if (begun.length > 1) {
    const ids = begun.slice(0, 3).map(({ id }) => id);
    throw new RedistillError(
      "usage",
      `${begun.length} lessons begin with ${named}`,
      `Name one of them: ${ids.join(", ")}${begun.length > ids.length ? ", …" : ""}.`,
    );
  }
  const close = nearest(
    named,
    all.map(({ id }) => id),
  );
  throw new RedistillError(
    "usage",
    `no lesson ${named}${close ? `; is ${close} meant?` : ""}`,
    "`redistill memory list --all` shows the lessons that there are.",
  );
}

/**
 * Refuses a family without lessons.
 *
 * @throws RedistillError `usage` with the nearest one.
 */
export function requireFamily(store: Store, family: string | undefined): string | null {
  if (family === undefined) return null;
  const known = store.longTerm.families();
  if (known.includes(family)) return family;
  const close = nearest(family, known);
  throw new RedistillError(
    "usage",
    `no family ${family}${close ? `; is ${close} meant?` : ""}`,
    known.length === 0
      ? "There are no lessons yet: a recipe with longTerm learns them (docs/memory.md)."
      : `There are: ${known.join(", ")}.`,
  );
}

/** What machines are told of a lesson. */
export function aboutLesson(store: Store, lesson: LongTermLesson) {
  const { id, family, cluster, text, version, state, reason, source, tasks } = lesson;
  const now = store.longTerm.clock(family);
  return {
    ...{ id, family, cluster, text, version, state, reason, source, tasks },
    confidence: Number(confidenceAt(lesson, now).toFixed(3)),
    roundsSinceUse: now - Math.max(lesson.learnedAt, lesson.usedAt ?? 0),
    counts: lesson.counts,
  };
}
