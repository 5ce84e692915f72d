import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { thisMachine } from "../../src/cli/processes.js";
import { identities } from "../../src/cli/same-model.js";
import { adoptSettings } from "../../src/controller/adopt.js";
import type { Beside } from "../../src/controller/calls-under-way.js";
import { createRun } from "../../src/controller/create.js";
import { type LeaseOptions, withLease } from "../../src/controller/lease.js";
import type { Progress } from "../../src/controller/progress.js";
import { frozenTasks, workOn } from "../../src/controller/run.js";
import { type Clock, systemClock } from "../../src/core/clock.js";
import { clustersWanted } from "../../src/core/cluster.js";
import type { Candidate } from "../../src/core/entities.js";
import { sha256 } from "../../src/core/hash.js";
import { eachRole } from "../../src/core/model.js";
import type { ChatModel, Embedder, RoleModels, Train } from "../../src/core/ports.js";
import { type Changeable, type Recipe, recipeSchema } from "../../src/core/recipe.js";
import { lessonPrompts } from "../../src/core/retrain.js";
import { type AdapterRow, candidateOf } from "../../src/core/round.js";
import { type Script, ScriptedChatModel } from "../../src/models/scripted.js";
import { parsePrompt } from "../../src/prompts/load.js";
import { readVariant } from "../../src/prompts/variant.js";
import type { Hours } from "../../src/schedule/index.js";
import { collectTasks } from "../../src/sources/index.js";
import type { PromptSnapshot } from "../../src/store/runs.js";
import { Store } from "../../src/store/store.js";
import { createRemember } from "../../src/training/remember.js";
import { createVerify } from "../../src/verifiers/index.js";
import { learner } from "./learner.js";
import { runAgent } from "./run-agent.js";

export { learner } from "./learner.js";

const prompt = (stage: string, variables: string[]) => {
  const body = `---\nname: ${stage}\nversion: 1\nvariables: [${variables.join(", ")}]\n---\n${variables.map((v) => `<${v}>{{${v}}}</${v}>`).join("\n")}\n`;
  return { stage, name: stage, version: "1", hash: sha256(body), body };
};

const snapshots = [
  prompt("student", ["task"]),
  prompt("critique", ["task", "answer", "finding"]),
  prompt("refine", ["task", "answer", "critique"]),
  prompt("memory", ["lessons", "question"]),
  prompt("distil", ["task", "answer", "critique", "revision"]),
  prompt("solution", ["task", "solution"]),
  prompt("feedback", ["task", "answer", "finding"]),
  prompt("cluster", ["failures"]),
  prompt("judge", ["task", "first", "second", "mark"]),
  prompt("rubric", ["task", "answer", "scale", "mark"]),
  prompt("repair", ["form"]),
];

const withOwn = (own: readonly PromptSnapshot[]) =>
  snapshots.map((usual) => own.find(({ stage }) => stage === usual.stage) ?? usual);

/** As they are packaged: they say how a coach answers. */
const coachPrompts = () => ({
  coach: packaged("coach", "researcher"),
  repair: packaged("coach-repair", "tool-call"),
});

function packaged(stage: string, name: string) {
  const path = `prompts/${stage}/${name}.md`;
  return parsePrompt(stage, path, readFileSync(path, "utf8"));
}

/** What a plan puts in the place of the critique where it is not to pay for one. */
const silentBody = "---\nname: none\nversion: 1\nvariables: []\noutput: none\n---\n";
const silent = {
  stage: "critique",
  name: "none",
  version: "1",
  hash: sha256(silentBody),
  body: silentBody,
};

/** A file of `count` sums that all differ: `1 + 2`, … */
export function sumsFile(folder: string, count: number): string {
  const lines = Array.from({ length: count }, (_, i) => {
    const [a, b] = [10 + (i % 40), 100 + Math.floor(i / 40) * 7 + i];
    return JSON.stringify({ prompt: `Calculate ${a} + ${b}.`, reference: a + b });
  });
  const path = join(folder, "sums.jsonl");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

export function sumsRecipe(folder: string, changes: Record<string, unknown> = {}): Recipe {
  return recipeSchema.parse({
    name: "sums",
    seed: 3,
    rounds: 2,
    tasks: {
      source: "jsonl",
      path: sumsFile(folder, 160),
      verifier: { kind: "numeric" },
      train: 40,
      gate: 60,
      sealed: 20,
    },
    elicit: { tasksPerRound: 20 },
    generate: { attempts: 4 },
    critique: { prompt: "critique" },
    refine: { prompt: "refine", tries: 2 },
    ...changes,
  });
}

const isGraded = ({ tasks }: Recipe) => "verifier" in tasks && tasks.verifier.kind === "rubric";

/** Writes a file whose content is the job: the same job gives the same adapter. */
export function scriptedTrain(folder: string): { train: Train; trained: string[] } {
  const trained: string[] = [];
  const train: Train = async (job, { onProgress }) => {
    const { method, options: own, ...plain } = job;
    // Frozen databases of old releases hold runs whose jobs had no method.
    const sha = sha256(method === "sft" ? plain : { ...plain, method, own });
    onProgress({ step: 1, steps: 1, loss: 0.5, tokensPerSecond: 1, secondsLeft: 0 });
    trained.push(sha);
    const ggufPath = join(folder, "memory", "adapters", sha, "adapter.gguf");
    return {
      sha256: sha,
      ggufPath,
      peftPath: join(folder, "memory", "adapters", sha, "peft"),
      finalLoss: 0.5,
      tokens: job.examples.length * 10,
      seconds: 1,
    };
  };
  return { train, trained };
}

export interface ScriptedRun {
  readonly store: Store;
  readonly model: ScriptedChatModel;
  readonly trained: string[];
  readonly seen: Progress[];
  /** Works on the run until it ends, or `signal` says stop. */
  work(signal?: AbortSignal): Promise<void>;
}

/** A run over a real database file with a scripted model and trainer. */
export async function scriptedRun(
  folder: string,
  recipe: Recipe,
  options: {
    script?: Script;
    model?: ChatModel;
    /** Where the roles differ. */
    models?: RoleModels;
    train?: Train;
    embedder?: Embedder;
    runId?: string;
    clock?: Clock;
    openAdapter?: (row: AdapterRow) => Promise<Candidate>;
    lease?: Partial<LeaseOptions>;
    /** Prompts of stages that are other than the usual ones. */
    prompts?: readonly PromptSnapshot[];
    /** Prompts beside them. */
    more?: readonly PromptSnapshot[];
    /** Taken over when the run is held. */
    settings?: Partial<Changeable>;
    hours?: Hours;
    /** Shared with a run that is worked on at the same time. */
    beside?: Beside;
  } = {},
): Promise<ScriptedRun> {
  const store = Store.open(join(folder, "memory", "redistill.db"), "memory/migrations");
  const scriptedModel = new ScriptedChatModel("learner", options.script ?? learner);
  const model = options.model ?? scriptedModel;
  const models = options.models ?? eachRole(() => model);
  const runId = options.runId ?? "sums-1";
  if (!store.runs.find(runId)) {
    const absent = () => Promise.reject(new Error("no generator here"));
    const none = { tasks: absent, score: absent };
    const { tasks } = await collectTasks(recipe, none);
    createRun(
      store,
      {
        recipe,
        modelDigest: models.student.digest,
        roles: identities(recipe, models),
        modelPath: "scripted",
        modelSha256: "0".repeat(64),
        recipeHash: sha256(recipe),
        prompts: [
          ...withOwn(options.prompts ?? []),
          ...(options.more ?? []),
          ...(recipe.policy.kind === "fixed" ? [] : [silent]),
        ],
      },
      tasks,
    );
  }
  const scripted = scriptedTrain(folder);
  const seen: Progress[] = [];
  // As a process that goes on with a run has them: from its rows.
  const parsed = (stage: string) => {
    const found = store.runs.prompts(runId).find((s) => s.stage === stage)!;
    return parsePrompt(stage, stage, found.body);
  };
  return {
    store,
    model: scriptedModel,
    trained: scripted.trained,
    seen,
    work: (signal = new AbortController().signal) => {
      const lease = { processes: thisMachine(), clock: systemClock, signal, ...options.lease };
      return withLease(store, runId, lease, (held) => {
        const run = store.runs.find(runId)!;
        adoptSettings(held.store, run, { ...run.recipe, ...options.settings });
        return workOn({
          ...held,
          runId,
          tasks: frozenTasks(store, runId),
          prompts: {
            student: parsed("student"),
            critique: recipe.critique && parsed("critique"),
            trial: null,
            refine: recipe.refine && parsed("refine"),
            memory: lessonPrompts(recipe) && parsed("memory"),
            distil: lessonPrompts(recipe) && parsed("distil"),
            solution: recipe.retrain.method === "sdpo" ? parsed("solution") : null,
            feedback: recipe.retrain.method === "sdpo" ? parsed("feedback") : null,
            cluster: clustersWanted(recipe)?.name ? parsed("cluster") : null,
            judge: recipe.judge && parsed("judge"),
            rubric: isGraded(recipe) ? parsed("rubric") : null,
            repair: recipe.judge || isGraded(recipe) ? parsed("repair") : null,
          },
          critiques: () =>
            new Map(
              store.runs
                .prompts(runId)
                .filter(({ stage }) => stage === "critique")
                .map(({ name, body }) => [name, parsePrompt("critique", name, body)]),
            ),
          coach:
            recipe.policy.kind === "coach"
              ? { prompts: coachPrompts(), runAgent, readVariant }
              : null,
          models,
          ...(options.embedder ? { embedding: { embedder: options.embedder, frame: null } } : {}),
          ...(options.beside && { beside: options.beside }),
          train: options.train ?? scripted.train,
          verify: createVerify({}),
          workspace: folder,
          openAdapter:
            options.openAdapter ?? (async (row) => candidateOf(row, (path) => join(folder, path))),
          remember: createRemember(join(folder, "memory", "adapters")),
          observe: (progress) => seen.push(progress),
          ...(options.clock ? { clock: options.clock } : {}),
          ...(options.hours ? { hours: options.hours } : {}),
        });
      });
    },
  };
}
