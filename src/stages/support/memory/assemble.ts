import type { Example } from "../../../core/entities.js";
import type {
  DistilledLesson,
  LessonEvidence,
  Memory,
  MemorySettings,
  RememberedExemplar,
  RememberedLesson,
} from "../../../core/memory.js";
import { nearDuplicates } from "../../../core/similarity.js";
import type { StageInput, StagePorts } from "../../types.js";
import { diverseFirst } from "../choose.js";
import { studentQuestion } from "../requests.js";

/** Similarity from which two lessons say the same. */
const sameLesson = 0.6;

/**
 * The memory of a candidate: exemplars first, most different tasks first, then the lessons that most
 * tasks speak for, the newest of these first; each is taken if it still fits in the tokens.
 */
export async function assembleMemory(
  input: StageInput,
  ports: Pick<StagePorts, "render" | "countTokens">,
  settings: MemorySettings,
  distilled: readonly DistilledLesson[],
): Promise<Memory> {
  let memory: Memory = { lessons: [], exemplars: [] };
  const fits = (longer: Memory) => tokensOf(longer, input, ports).then((n) => n <= settings.tokens);
  for (const exemplar of exemplarsOf(input)) {
    if (memory.exemplars.length >= settings.exemplars) break;
    const longer = { ...memory, exemplars: [...memory.exemplars, exemplar] };
    if (await fits(longer)) memory = longer;
  }
  for (const lesson of rankedLessons([...input.earlierLessons, ...distilled], settings.evidence)) {
    if (memory.lessons.length >= settings.lessons) break;
    const longer = { ...memory, lessons: [...memory.lessons, lesson] };
    if (await fits(longer)) memory = longer;
  }
  return memory;
}

/** Tokens that a memory adds to any question. */
export async function tokensOf(
  memory: Memory,
  { prompts }: Pick<StageInput, "prompts">,
  { render, countTokens }: Pick<StagePorts, "render" | "countTokens">,
): Promise<number> {
  const question = (shown: Memory | null) =>
    render(studentQuestion(prompts, shown, { prompt: "?" }));
  const [longer, bare] = await countTokens([question(memory), question(null)]);
  return longer! - bare!;
}

/**
 * Right answers of the training set, as curation left it: none whose task resembles a held-out one.
 * Of equally different ones the newest come first: they come from the better teacher.
 */
function exemplarsOf({ rows, tasks }: StageInput): RememberedExemplar[] {
  const prompts = new Map(tasks.train.map(({ id, prompt }) => [id, prompt]));
  const textOf = ({ taskId, completion }: Example) => `${prompts.get(taskId)} ${completion}`;
  const newestFirst = rows.examples.filter(isRight).sort((a, b) => b.originRound - a.originRound);
  return diverseFirst(newestFirst, textOf).flatMap((example) => {
    const { taskId, completion: answer, originRound: round, source, sourceId } = example;
    const prompt = prompts.get(taskId);
    if (prompt === undefined || source === "replay") return [];
    return [{ prompt, answer, evidence: { round, taskId, source, sourceId } }];
  });
}

/** Some methods learn from wrong answers too, or from what is no answer. */
function isRight({ source, lesson }: Example): boolean {
  if (source === "replay" || lesson?.kind === "view" || lesson?.kind === "practice") return false;
  return lesson?.kind !== "label" || lesson.right;
}

/**
 * Lessons that say the same are one, in the words of the oldest, with the evidence of all. First
 * those that most tasks speak for, then the newest.
 */
export function rankedLessons(
  distilled: readonly DistilledLesson[],
  leastTasks: number,
): RememberedLesson[] {
  const usable = distilled.filter(({ refused }) => refused === null);
  const items = usable.map(({ id, text }) => ({ id, text }));
  const twins = new Map<string, Set<string>>();
  for (const { heldOutId, trainId } of nearDuplicates(items, items, sameLesson)) {
    twins.set(heldOutId, (twins.get(heldOutId) ?? new Set()).add(trainId));
  }
  const kept: { id: string; lesson: { text: string; evidence: LessonEvidence[] } }[] = [];
  for (const { id, text, round, taskId, attemptId, critiqueId, revisionId } of usable) {
    const evidence = { round, taskId, attemptId, critiqueId, revisionId };
    const older = kept.find((each) => twins.get(each.id)?.has(id));
    if (older) older.lesson.evidence.push(evidence);
    else kept.push({ id, lesson: { text, evidence: [evidence] } });
  }
  const newest = ({ evidence }: RememberedLesson) => evidence.at(-1)!.round;
  return kept
    .map(({ lesson }) => lesson)
    .filter((lesson) => tasksBehind(lesson) >= leastTasks)
    .sort((a, b) => tasksBehind(b) - tasksBehind(a) || newest(b) - newest(a));
}

/** Different tasks that speak for a lesson. */
function tasksBehind({ evidence }: RememberedLesson): number {
  return new Set(evidence.map(({ taskId }) => taskId)).size;
}
