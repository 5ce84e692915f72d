// A whole scripted run as a process of its own, to be killed, stopped or starved:
// `scripted-child.ts <folder> <tasks> [options as JSON]`.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { openCandidate } from "../../src/cli/adapters.js";
import { workspaceAt } from "../../src/cli/paths.js";
import type { LeaseTimes } from "../../src/controller/lease.js";
import { importLesson } from "../../src/controller/memory/by-hand.js";
import type { CallRequest } from "../../src/core/entities.js";
import { EngineFault, messageOf, RedistillError } from "../../src/core/errors.js";
import { lessonLineSchema } from "../../src/core/lesson-file.js";
import type { Changeable, Recipe } from "../../src/core/recipe.js";
import { TrainerFailure } from "../../src/training/failure.js";
import { createTrainer } from "../../src/training/train.js";
import { call, isCoach, proposal, saying } from "./coach.js";
import { roundOf } from "./coach-night.js";
import { scriptedEmbedder } from "./embedder.js";
import { fileWorker } from "./file-worker.js";
import { forgetful, twoSuites } from "./retention.js";
import { learner, scriptedRun, scriptedTrain, sumsRecipe } from "./scripted-run.js";

export interface ChildOptions {
  /** Taken over before the work begins, as from a changed recipe. */
  readonly settings?: Partial<Changeable>;
  readonly lease?: LeaseTimes;
  /** Stops the run, as Ctrl-C would, when it asks for this many answers. */
  readonly abortAt?: number;
  /** Pages by which the database may grow. */
  readonly morePages?: number;
  /** Adapters are files that are read again and hashed; at `full` the disk is full. */
  readonly adapters?: "files" | "full";
  /** The engine crashes at requests with this text: each time, or so often in this process. */
  readonly crash?: { readonly match: string; readonly times?: number };
  /** The model says something that the morning should know. */
  readonly notice?: boolean;
  /** A training with more tokens a step than this runs out of memory. */
  readonly memory?: number;
  /** How the gate decides; by default by one exact test. */
  readonly gate?: Partial<Recipe["gate"]>;
  /** Learns by memory, in place of weights or beside them. */
  readonly remembers?: "alone" | "too";
  /** Has lessons of earlier runs, and learns for later ones. */
  readonly longTerm?: boolean | "embedding";
  /** Two retention suites; its trainings forget half of the second. */
  readonly suites?: boolean;
  /** A coach plans its rounds, after it looked at what is left of a budget. */
  readonly coach?: boolean;
}

const lessonOfSums = { schema: "redistill-lesson", version: 1, family: "jsonl:sums" };

const [folder, tasksFolder, json = "{}"] = process.argv.slice(2) as [string, string, string?];
const options: ChildOptions = JSON.parse(json);
const abort = new AbortController();
let [asked, crashed] = [0, 0];
const more = { settings: [{ lever: "generate.attempts", value: 4 }] };
/** It tries a critique prompt of its own in each round. */
const coach = (request: CallRequest) => {
  const shown = "<task>{{task}}</task> <answer>{{answer}}</answer> <finding>{{finding}}</finding>";
  const variant = `In round ${roundOf(request)}: ${shown}`;
  return saying(call("budget"), call("rounds"), proposal({ ...more, variant }))(request);
};
const retrieval = options.longTerm === "embedding" ? "embedding" : "text";
// Small, and still with a promotion and a rejection.
const recipe = sumsRecipe(tasksFolder, {
  elicit: { tasksPerRound: 8 },
  generate: { attempts: 3 },
  examine: { right: 2, wrong: 2, planted: 1 },
  clusters: {},
  judge: { prompt: "judge", calibration: 4 },
  policy: { kind: options.coach ? "coach" : "adaptive", validation: 4 },
  ...(options.coach ? { budget: { tokens: 10_000_000, calls: 10_000 } } : {}),
  curate: { minimum: 2 },
  ...(options.gate ? { gate: options.gate } : {}),
  ...(options.remembers === "alone" ? { retrain: { method: "memory" } } : {}),
  ...(options.remembers === "too" ? { memory: {} } : {}),
  ...(options.suites ? { retention: twoSuites(tasksFolder) } : {}),
  // One attempt, so that there is something to mend and to learn in each round.
  ...(options.longTerm ? { longTerm: { retrieval }, generate: { attempts: 1 } } : {}),
});
recipe.tasks = { ...recipe.tasks, train: 16, gate: 30, sealed: 8 };

try {
  const train = createTrainer({
    worker: fileWorker(folder, options.adapters === "full"),
    model: { path: "model.gguf", sha256: "0".repeat(64) },
    directory: join(folder, "memory", "adapters"),
  });
  const honest = scriptedTrain(folder).train;
  const run = await scriptedRun(folder, recipe, {
    script: (request, adapter) => {
      maybeCrash(request);
      if (++asked === options.abortAt) abort.abort();
      // Written before the answer is: a call that was in flight when the process died is in here.
      appendFileSync(join(folder, "requests.txt"), ".\n");
      if (options.suites) return forgetful("manners")(request, adapter);
      return isCoach(request) ? coach(request) : learner(request, adapter);
    },
    ...(options.settings ? { settings: options.settings } : {}),
    ...(retrieval === "embedding" ? { embedder: scriptedEmbedder() } : {}),
    lease: { times: options.lease ?? { beatMs: 5, durationMs: 60_000 } },
    train: (job, training) => {
      if (job.settings.tokensPerStep <= (options.memory ?? job.settings.tokensPerStep)) {
        return honest(job, training);
      }
      throw new TrainerFailure("out_of_memory", "told to run out of memory", "hint");
    },
    ...(options.adapters
      ? { train, openAdapter: (row) => openCandidate(row, workspaceAt(folder)) }
      : {}),
  });
  if (options.notice) {
    const sample = run.model.sample.bind(run.model);
    run.model.sample = (requests, asked) => {
      asked.onNotice?.("told to say so");
      return sample(requests, asked);
    };
  }
  if (options.longTerm) {
    run.store.transaction(() => {
      for (const text of ["Read the signs first.", "Check the last digit by itself."]) {
        importLesson(run.store, lessonLineSchema.parse({ ...lessonOfSums, texts: [text] }));
      }
    });
  }
  if (options.morePages !== undefined) limitPages(run.store, options.morePages);
  await run.work(abort.signal);
  run.store.close();
  process.stdout.write(`${run.model.ledger.length}\n`);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = error instanceof RedistillError ? error.exitCode : 1;
}

function maybeCrash({ messages }: CallRequest): void {
  const { match, times = Number.POSITIVE_INFINITY } = options.crash ?? { match: "", times: 0 };
  if (crashed >= times || !messages.at(-1)?.content.includes(match)) return;
  crashed++;
  throw new EngineFault("crashed", true, "told to crash", "hint");
}

function limitPages(store: object, more: number): void {
  const { db } = store as { db: Database.Database };
  const now = db.pragma("page_count", { simple: true }) as number;
  db.pragma(`max_page_count = ${now + more}`);
}
