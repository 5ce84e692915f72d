import type { Task } from "../core/entities.js";
import { type Memory, parseMemory } from "../core/memory.js";
import type { RunRow } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { plural } from "./figures.js";
import { longTermItems, readLongTerm } from "./long-term.js";
import type { MemoryReport, RunReport } from "./report.js";
import type { Item, Style } from "./sections.js";

/** Pieces of evidence named for one lesson; the rest is counted. */
const mostEvidence = 3;

/**
 * What the incumbent remembers, what each round's candidate would have changed, and the run's part in lessons that
 * outlive it; null without a memory of either kind.
 */
export function readMemory(
  store: Store,
  run: RunRow,
  tasks: ReadonlyMap<string, Task>,
): MemoryReport | null {
  const of = (sha256: string | null): Memory | null => {
    const text = sha256 === null ? null : store.adapters.find(sha256)?.memory;
    return text ? parseMemory(text) : null;
  };
  const changes = store.rounds.all(run.id).flatMap(({ number, incumbent, candidate }) => {
    const after = of(candidate);
    if (after === null) return [];
    const [was, is] = [linesOf(of(incumbent)), linesOf(after)];
    const summary = store.rounds.summary(run.id, number, "retrain");
    return [
      {
        round: number,
        added: is.filter((line) => !was.includes(line)),
        dropped: was.filter((line) => !is.includes(line)),
        tokens: Number(summary?.["memory tokens"] ?? 0),
        refused: Number(summary?.["lessons refused"] ?? 0),
      },
    ];
  });
  const memory = of(run.incumbent);
  const longTerm = readLongTerm(store, run);
  if (memory === null && changes.length === 0 && longTerm === null) return null;
  const promptOf = (taskId: string) => tasks.get(taskId)?.prompt ?? taskId;
  return {
    lessons: (memory?.lessons ?? []).map(({ text, evidence }) => ({
      text,
      evidence: evidence.map((each) => ({ ...each, task: promptOf(each.taskId) })),
    })),
    exemplars: memory?.exemplars ?? [],
    changes,
    longTerm,
  };
}

/** A memory's entries, each as one text. */
function linesOf(memory: Memory | null): string[] {
  if (memory === null) return [];
  return [
    ...memory.exemplars.map(({ prompt, answer }) => `${prompt} → ${answer}`),
    ...memory.lessons.map(({ text }) => text),
  ];
}

/** Lessons and exemplars with where they are from, then what each round added and dropped. */
export function memoryItems({ memory }: RunReport, style: Style): Item[] {
  if (memory === null) return [];
  const { lessons, exemplars, changes, longTerm } = memory;
  const nothing = lessons.length + exemplars.length === 0 && changes.length > 0;
  return [
    ...(nothing ? [{ text: "The incumbent remembers nothing.", details: [] }] : []),
    ...lessons.map(({ text, evidence }) => ({
      text: `Lesson: ${style.quote(text)}`,
      details: evidenceLines(evidence, style),
    })),
    ...exemplars.map(({ prompt, answer, evidence }) => ({
      text: `Exemplar: ${style.quote(prompt)}`,
      details: [
        `Answer: ${style.quote(answer)}`,
        `Round ${evidence.round}, ${evidence.source} ${evidence.sourceId}.`,
      ],
    })),
    ...changes.map(({ round, added, dropped, tokens, refused }) => ({
      text: `Round ${round}'s candidate: ${added.length} added, ${dropped.length} dropped; ${plural(tokens, "token")} before each question${refused > 0 ? `; ${plural(refused, "lesson")} refused` : ""}.`,
      details: [
        ...added.map((line) => `Added: ${style.quote(line)}`),
        ...dropped.map((line) => `Dropped: ${style.quote(line)}`),
      ],
    })),
    ...longTermItems(longTerm, style),
  ];
}

function evidenceLines(
  evidence: MemoryReport["lessons"][number]["evidence"],
  style: Style,
): string[] {
  const shown = evidence
    .slice(0, mostEvidence)
    .map(
      ({ round, task, attemptId, revisionId }) =>
        `Round ${round}, ${style.quote(task)}: ${attemptId}, mended by ${revisionId}.`,
    );
  const more = evidence.length - shown.length;
  return more > 0 ? [...shown, `And ${more} more.`] : shown;
}
