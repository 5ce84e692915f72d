import { seedFor } from "./hash.js";
import { invisible } from "./invisible.js";
import { areOpposed, withoutPolarity } from "./polarity.js";
import { nearDuplicates, type TextItem } from "./similarity.js";

/** How the teacher's attempts at training tasks went with a lesson in view, and without it where it would have fitted as well. */
export interface LessonCounts {
  /** Sum over tasks of the share of attempts that were right, 0 to 1 each. */
  readonly shownRight: number;
  readonly shownTasks: number;
  readonly withheldRight: number;
  readonly withheldTasks: number;
  /** On the family's clock: rounds that ended with its memory. */
  readonly countedAt: number;
}

export const lessonStates = ["active", "retired", "forgotten"] as const;
export type LessonState = (typeof lessonStates)[number];

/** Why a lesson is not in use any more, in a word. */
export type RetiredFor = "cap" | "contradicted" | "unhelpful" | "hand";

/** One line of the long-term memory. */
export interface LongTermLesson {
  readonly id: string;
  /** Tasks that it is about. */
  readonly family: string;
  /** The group of failures that it is about; null: all of the family. */
  readonly cluster: string | null;
  readonly text: string;
  /** 1, and one more with each edit. */
  readonly version: number;
  readonly state: LessonState;
  readonly retiredFor: RetiredFor | null;
  /** Why it is not in use any more, as a sentence; null where it is. */
  readonly reason: string | null;
  readonly source: "run" | "coach" | "import";
  /** On the family's clock. */
  readonly learnedAt: number;
  readonly usedAt: number | null;
  readonly counts: LessonCounts;
  /** Different training tasks of this workspace that speak for it. */
  readonly tasks: number;
}

/** A lesson that fitted a task of a round: shown to its teacher, or withheld to see what difference it makes. */
export interface RecalledLesson {
  readonly taskId: string;
  readonly lessonId: string;
  readonly version: number;
  readonly text: string;
  readonly shown: boolean;
}

/** What happened to a lesson. */
export interface LessonEvent {
  readonly lessonId: string;
  readonly kind:
    | "learned"
    | "supported"
    | "edited"
    | "imported"
    | "retired"
    | "revived"
    | "forgotten"
    | "refused";
  readonly version: number;
  readonly reason: string | null;
}

/** Longest lesson, in characters: it is one line. */
export const longestLesson = 300;

/** Similarity from which two lessons say the same. */
export const sameLesson = 0.6;

/** Rounds of the family after which what was counted, and what was not used, weighs half. */
export const halfLife = 32;

/** One task in four does not see a lesson that would fit it. */
const withheldOf = 4;

/** Tasks with and without a lesson from which it may be found to be of no use, and the confidence below which it is. */
const tried = { shown: 12, withheld: 4, confidence: 0.1 };

/** Confidences that differ by more than this are no matter of luck alone. */
const clearly = 0.2;

/** Of a lesson that has not a word in common with a task, beside the one that fits it best. */
const leastRelevance = 0.25;

/** Why a text is no lesson; null if it is one. */
export function lessonFault(text: string): string | null {
  if (!/\p{L}/u.test(text)) return "it says nothing";
  if (text !== text.trim() || /[\r\n]/.test(text)) return "it is not one line";
  if (text.length > longestLesson)
    return `it has ${text.length} characters; a lesson has ${longestLesson} at most`;
  return text.search(invisible) >= 0 ? "it holds characters that nobody sees" : null;
}

/**
 * Counts as they weigh some rounds later: each half-life halves them, so that what was seen of an earlier student and
 * long ago gives way (the forgetting factor of Jøsang and Ismail 2002, The Beta Reputation System).
 */
export function faded(counts: LessonCounts, now: number): LessonCounts {
  const weight = 0.5 ** (Math.max(0, now - counts.countedAt) / halfLife);
  return {
    shownRight: counts.shownRight * weight,
    shownTasks: counts.shownTasks * weight,
    withheldRight: counts.withheldRight * weight,
    withheldTasks: counts.withheldTasks * weight,
    countedAt: now,
  };
}

/**
 * How sure it is that a lesson helps, 0 to 1, and 0.5 before it was tried: P(p1 > p0) for the shares of right attempts
 * with it and without it, each with the posterior Beta(1 + right, 1 + wrong) of a uniform prior, taken as normal with its
 * mean and variance; the normal distribution by the logistic one, Φ(z) ≈ 1 / (1 + e^(-1.702 z)) (Haley 1952: off by less than
 * 0.01).
 *
 * A task counts once, whatever its number of attempts. It is chance alone which tasks do not see a lesson, so that
 * the two shares differ by the lesson and by luck. Lessons are looked at each round without correction: this is a
 * weight, not a test, and no claim rests on it.
 */
export function confidence(counts: LessonCounts): number {
  const shown = posterior(counts.shownRight, counts.shownTasks);
  const withheld = posterior(counts.withheldRight, counts.withheldTasks);
  const z = (shown.mean - withheld.mean) / Math.sqrt(shown.variance + withheld.variance);
  return 1 / (1 + Math.exp(-1.702 * z));
}

function posterior(right: number, tasks: number): { mean: number; variance: number } {
  const [a, b] = [1 + right, 1 + tasks - right];
  return { mean: a / (a + b), variance: (a * b) / ((a + b) ** 2 * (a + b + 1)) };
}

/** The confidence of a lesson at a time of its family's clock. */
export function confidenceAt({ counts }: Pick<LongTermLesson, "counts">, now: number): number {
  return confidence(faded(counts, now));
}

/** 1 for a lesson that was just learned or used, half after a half-life without use. */
export function recency(lesson: Pick<LongTermLesson, "learnedAt" | "usedAt">, now: number): number {
  const last = Math.max(lesson.learnedAt, lesson.usedAt ?? 0);
  return 0.5 ** (Math.max(0, now - last) / halfLife);
}

/** What a lesson is worth keeping for: confidence × recency. */
export function worthOf(
  lesson: Pick<LongTermLesson, "counts" | "learnedAt" | "usedAt">,
  now: number,
): number {
  return confidenceAt(lesson, now) * recency(lesson, now);
}

/**
 * Lessons in the order in which they are shown for a text: (¼ + ¾ · closeness / best closeness) × confidence × recency. A lesson
 * without a word in common has a quarter of the relevance: rules are short, and often name nothing that a task does.
 *
 * @param relevance Closeness by the lesson's id, bm25 or a cosine, larger is closer; lessons that are far are absent or 0.
 * @param kin Ids of lessons that were made of the same mistake: as relevant as the closest one.
 */
export function ranked(
  lessons: readonly LongTermLesson[],
  relevance: ReadonlyMap<string, number>,
  now: number,
  kin: ReadonlySet<string> = new Set(),
): LongTermLesson[] {
  const best = Math.max(0, ...relevance.values());
  const scoreOf = (lesson: LongTermLesson) => {
    const near = best === 0 ? 0 : (relevance.get(lesson.id) ?? 0) / best;
    const share = kin.has(lesson.id) ? 1 : near;
    return (leastRelevance + (1 - leastRelevance) * share) * worthOf(lesson, now);
  };
  return lessons
    .map((lesson) => ({ lesson, score: scoreOf(lesson) }))
    .sort((a, b) => b.score - a.score || byWorth(b.lesson, a.lesson, now))
    .map(({ lesson }) => lesson);
}

/** Negative where the first is worth less: by value, then by the tasks that speak for it, then by age. */
function byWorth(a: LongTermLesson, b: LongTermLesson, now: number): number {
  return (
    worthOf(a, now) - worthOf(b, now) ||
    a.tasks - b.tasks ||
    a.learnedAt - b.learnedAt ||
    (a.id < b.id ? -1 : 1)
  );
}

/** Whether a task of a round sees a lesson that fits it: all but one in four do, by lot. */
export function isShown(seed: number, round: number, taskId: string, lessonId: string): boolean {
  return seedFor(seed, "long-term", round, taskId, lessonId) % withheldOf !== 0;
}

/** Whether a lesson was tried often enough to say that it does not help. */
export function isUnhelpful({ counts }: Pick<LongTermLesson, "counts">): boolean {
  const { shownTasks, withheldTasks } = counts;
  if (shownTasks < tried.shown || withheldTasks < tried.withheld) return false;
  return confidence(counts) < tried.confidence;
}

/** The lesson in use that is worth least, where there are more than `cap`; null where there are not. */
export function beyondCap(
  lessons: readonly LongTermLesson[],
  cap: number,
  now: number,
): LongTermLesson | null {
  if (lessons.length <= cap) return null;
  return [...lessons].sort((a, b) => byWorth(a, b, now))[0]!;
}

/** The first of these that says the same as a text, and not its contrary. */
export function saysTheSame<T extends TextItem>(text: string, lessons: readonly T[]): T | null {
  const near = new Set(
    nearDuplicates([{ id: "new", text }], lessons, sameLesson).map(({ trainId }) => trainId),
  );
  return lessons.find((each) => near.has(each.id) && !areOpposed(text, each.text)) ?? null;
}

/** Those that say the contrary of a text: the same without the words for "not", "before" and the like, in which they differ. */
export function saysTheContrary<T extends TextItem>(text: string, lessons: readonly T[]): T[] {
  const bare = lessons.map(({ id, text: other }) => ({ id, text: withoutPolarity(other) }));
  const near = new Set(
    nearDuplicates([{ id: "new", text: withoutPolarity(text) }], bare, sameLesson).map(
      ({ trainId }) => trainId,
    ),
  );
  return lessons.filter((each) => near.has(each.id) && areOpposed(text, each.text));
}

/**
 * Of two lessons that contradict each other, the one to retire: the one that is clearly less sure, where their outcomes
 * disagree so far, else the one that fewer tasks speak for, else the older.
 */
export function weakerOf(a: LongTermLesson, b: LongTermLesson, now: number): LongTermLesson {
  const surer = confidenceAt(a, now) - confidenceAt(b, now);
  const difference = Math.abs(surer) > clearly ? surer : a.tasks - b.tasks;
  if (difference !== 0) return difference < 0 ? a : b;
  return a.learnedAt < b.learnedAt ? a : b;
}
