import type { DistilledLesson, Memory, MemorySettings } from "../../../core/memory.js";
import type { StageSummary } from "../../../core/round.js";
import type { StageInput, StagePorts } from "../../types.js";
import { assembleMemory, tokensOf } from "./assemble.js";

/** What a round's candidate remembers after the lessons that this round made, and figures for people. */
export async function makeMemory(
  input: StageInput,
  ports: StagePorts,
  settings: MemorySettings,
  distilled: readonly DistilledLesson[],
): Promise<{ memory: Memory; figures: StageSummary }> {
  const memory = await assembleMemory(input, ports, settings, distilled);
  const figures = {
    lessons: memory.lessons.length,
    exemplars: memory.exemplars.length,
    "memory tokens": await tokensOf(memory, input, ports),
    distilled: distilled.length,
    "lessons refused": distilled.filter(({ refused }) => refused !== null).length,
  };
  return { memory, figures };
}
