import type {
  Attempt,
  CallRequest,
  Candidate,
  Completion,
  Evaluation,
  Outcome,
  Split,
  StopReason,
  Task,
  Verdict,
} from "../../src/core/entities.js";
import { sha256 } from "../../src/core/hash.js";
import type { TrainingJob, TrainingResult } from "../../src/core/ports.js";
import { type Prompt, variablesIn } from "../../src/core/prompt.js";
import { type Recipe, recipeSchema } from "../../src/core/recipe.js";
import { type AdapterRow, candidateOf, emptyRound, type RoundRows } from "../../src/core/round.js";
import { parsePrompt } from "../../src/prompts/load.js";
import type { StageInput, StagePorts } from "../../src/stages/types.js";
import { createVerify } from "../../src/verifiers/index.js";

/** A sum that no other number gives: its reference is in neither its prompt nor another's. */
export function sum(n: number, split: Split = "train"): Task {
  const [a, b] = [100 + 7 * n, 3000 + 13 * n];
  return {
    id: `${split}-${n}`,
    split,
    prompt: `Calculate ${a} + ${b}.`,
    reference: `${a + b}`,
    verifier: { kind: "numeric" },
    tags: [],
    metadata: null,
  };
}

export const sums = (count: number, split: Split = "train") =>
  Array.from({ length: count }, (_, n) => sum(n, split));

export function recipeWith(changes: Record<string, unknown> = {}): Recipe {
  return recipeSchema.parse({
    name: "unit",
    seed: 5,
    rounds: 4,
    tasks: { source: "jsonl", path: "unread.jsonl", train: 10, gate: 10 },
    ...changes,
  });
}

export function promptOf(stage: string, user: string, system?: string): Prompt {
  const variables = variablesIn(`${system ?? ""}${user}`);
  const head = `name: ${stage}\nversion: 1\nvariables: [${variables.join(", ")}]`;
  const front = system === undefined ? head : `${head}\nsystem: ${JSON.stringify(system)}`;
  return parsePrompt(stage, stage, `---\n${front}\n---\n${user}\n`);
}

export const student = promptOf("student", "Q: {{task}}", "Answer with a number.");

const onlyStudent = {
  ...{
    student,
    critique: null,
    trial: null,
    refine: null,
    judge: null,
    rubric: null,
    repair: null,
  },
  ...{ memory: null, distil: null, solution: null, feedback: null, cluster: null },
};

type InputChanges = Partial<Omit<StageInput, "tasks" | "prompts" | "rows">> & {
  tasks?: Partial<StageInput["tasks"]>;
  prompts?: Partial<StageInput["prompts"]>;
  rows?: Partial<RoundRows>;
};

/** What a stage is given: 10 training tasks and an empty first round, unless told otherwise. */
export function inputWith({ tasks, prompts, rows, ...changes }: InputChanges = {}): StageInput {
  return {
    recipe: recipeWith(),
    round: 1,
    incumbent: null,
    candidate: null,
    earlierExamples: [],
    earlierLessons: [],
    earlierClusters: [],
    earlierLooks: [],
    plannedTasks: null,
    ...changes,
    tasks: { train: sums(10), replay: [], gate: [], sealed: [], retention: [], ...tasks },
    prompts: { ...onlyStudent, ...prompts },
    rows: { ...emptyRound, ...rows },
  };
}

export interface Answer {
  readonly text: string;
  readonly stopReason: StopReason;
}

/** Ports that remember what they were asked. */
export interface RecordingPorts extends StagePorts {
  readonly asked: { request: CallRequest; adapter: string | null }[];
  readonly jobs: TrainingJob[];
  /** Contents of memories' files. */
  readonly remembered: string[];
  /** The last message of every request. */
  questions(): string[];
}

export function portsWith(
  answer: (request: CallRequest, index: number) => string | Answer = () => "no idea",
  train: (job: TrainingJob) => Promise<TrainingResult> = async (job) => trained(sha256(job)),
): RecordingPorts {
  const asked: RecordingPorts["asked"] = [];
  const jobs: TrainingJob[] = [];
  const remembered: string[] = [];
  return {
    asked,
    jobs,
    remembered,
    questions: () => asked.map(({ request }) => request.messages.at(-1)!.content),
    modelDigest: "digest",
    holdsSchema: false,
    logprobs: () => null,
    verify: createVerify({}),
    render: (messages) => messages.map(({ role, content }) => `<${role}>${content}`).join(""),
    countTokens: async (texts) => texts.map((text) => text.split(/\s+/).length),
    remember: async (content) => {
      remembered.push(content);
      return `adapters/${sha256(content)}/memory.json`;
    },
    train: (job) => {
      jobs.push(job);
      return train(job);
    },
    complete: async (requests, adapter) =>
      requests.map((request, index): Completion => {
        asked.push({ request, adapter: adapter?.sha256 ?? null });
        const said = answer(request, index);
        return {
          ...(typeof said === "string" ? { text: said, stopReason: "end" } : said),
          promptTokens: 1,
          evaluatedPromptTokens: 1,
          completionTokens: 1,
          durationMs: 1,
          callKey: sha256([request, adapter]),
        };
      }),
  };
}

export const cutOff = (text: string): Answer => ({ text, stopReason: "length" });

export const trained = (sha: string): TrainingResult => ({
  sha256: sha,
  ggufPath: `adapters/${sha}/adapter.gguf`,
  peftPath: `adapters/${sha}/peft`,
  finalLoss: 0.25,
  tokens: 300,
  seconds: 2,
});

export const verdictOf = (outcome: Outcome): Verdict => ({
  outcome,
  score: outcome === "ok" ? 1 : outcome === "wrong" ? 0 : null,
  verifier: "numeric",
  finding: `It is ${outcome}.`,
});

export function attemptAt(
  task: Task,
  index: number,
  answer: string,
  outcome: Outcome,
  truncated = false,
): Attempt {
  const id = `attempt-${task.id}-${index}`;
  const verdict = verdictOf(outcome);
  return { id, taskId: task.id, index, callKey: id, answer, truncated, verdict };
}

/** Attempts at one task: `["5 wrong", "6 ok"]`. */
export function attemptsAt(task: Task, answers: readonly string[]): Attempt[] {
  return answers.map((text, index) => {
    const [answer, outcome, truncated] = text.split(" ") as [string, Outcome, string?];
    return attemptAt(task, index, answer, outcome, truncated === "cut");
  });
}

export const evaluationsOf = (tasks: readonly Task[], right: (n: number) => boolean) =>
  tasks.map(
    ({ id }, n): Evaluation => ({
      taskId: id,
      callKey: id,
      answer: "",
      verdict: verdictOf(right(n) ? "ok" : "wrong"),
    }),
  );

export const adapterNamed = (sha: string): Candidate => candidateOf(adapterRow(sha));

export const adapterRow = (sha: string): AdapterRow => ({
  ...{ sha256: sha, weights: sha, ggufPath: `${sha}.gguf`, peftPath: sha },
  ...{ memoryPath: null, memory: null, parent: null, round: 1 },
  modelDigest: "digest",
  finalLoss: 0.25,
  tokens: 300,
  seconds: 2,
});
