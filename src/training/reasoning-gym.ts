import { z } from "zod";
import { TrainerFailure } from "./failure.js";
import type { RequestOptions, TrainerWorker } from "./worker.js";

/** A generated task; `entry` is what its dataset needs to score an answer. */
interface GymTask {
  readonly question: string;
  readonly answer: string | null;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** Settings of a dataset, by the names that reasoning-gym gives them. */
type GymConfig = Readonly<Record<string, unknown>>;

/** Tasks with a built-in verifier, made and scored by the Python package reasoning-gym. */
export interface ReasoningGym {
  /** `size` tasks of a dataset: the same for the same seed and settings. */
  tasks(
    dataset: string,
    config: GymConfig,
    size: number,
    seed: number,
    options?: RequestOptions,
  ): Promise<GymTask[]>;
  /** One score from 0 to 1 per item, in order; null where an answer could not be scored. */
  score(
    dataset: string,
    config: GymConfig,
    items: readonly { entry: Readonly<Record<string, unknown>>; answer: string | null }[],
    options?: RequestOptions,
  ): Promise<(number | null)[]>;
}

const tasksShape = z.object({
  tasks: z.array(
    z.object({
      question: z.string(),
      answer: z.string().nullable(),
      entry: z.record(z.string(), z.unknown()),
    }),
  ),
});
const scoresShape = z.object({ scores: z.array(z.number().nullable()) });

/** Above this a request would take long enough to look stuck, and its line would grow large. */
const portion = 1_000;

/** reasoning-gym through the worker. */
export function createReasoningGym(worker: Pick<TrainerWorker, "request">): ReasoningGym {
  return {
    async tasks(dataset, config, size, seed, options) {
      const fields = { dataset, config, size, seed };
      const { tasks } = read(tasksShape, await worker.request("tasks", fields, options));
      if (tasks.length !== size) throw different(`${tasks.length} tasks instead of ${size}`);
      return tasks;
    },
    async score(dataset, config, items, options) {
      const scores: (number | null)[] = [];
      for (let start = 0; start < items.length; start += portion) {
        const slice = items.slice(start, start + portion);
        const fields = { dataset, config, items: slice };
        const part = read(scoresShape, await worker.request("score", fields, options)).scores;
        if (part.length !== slice.length) {
          throw different(`${part.length} scores for ${slice.length} answers`);
        }
        scores.push(...part);
      }
      return scores;
    },
  };
}

function read<T>(shape: z.ZodType<T>, event: unknown): T {
  const parsed = shape.safeParse(event);
  if (parsed.success) return parsed.data;
  throw different(z.prettifyError(parsed.error));
}

function different(what: string): TrainerFailure {
  return new TrainerFailure(
    "protocol",
    `The trainer's worker answered otherwise than expected: ${what}.`,
    "The trainer and redistill are of different versions: install redistill again.",
  );
}
