import { text as readAll } from "node:stream/consumers";
import type { Adapter, CallRequest, Message } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import type { ModelSettings } from "../../core/model.js";
import type { ChatModel } from "../../core/ports.js";
import { greedy, requestFor, studentMessages } from "../../stages/support/requests.js";
import type { RunRow } from "../../store/runs.js";
import type { Store } from "../../store/store.js";
import { chooseAdapter, verifiedAdapter } from "../adapters.js";
import { type ChatInput, readQuestions } from "../chat.js";
import { loadModel } from "../models.js";
import type { Output } from "../output.js";
import type { Workspace } from "../paths.js";
import { promptsFrom } from "../prompts.js";
import { findRun, withStore } from "../reading.js";
import { requireSameModel } from "../same-model.js";

export interface SampleFlags {
  readonly run?: string;
  readonly adapter?: string;
  readonly temperature?: number;
  readonly seed?: number;
  readonly maxTokens?: number;
  readonly chat?: boolean;
  readonly plain?: boolean;
}

export interface SampleOptions {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly input?: ChatInput;
  /** Replaceable in tests. */
  load?(
    settings: ModelSettings,
    output: Output,
    signal: AbortSignal,
  ): Promise<{ model: ChatModel }>;
}

interface Side {
  readonly name: string;
  readonly adapter: Adapter | null;
}

/** What is asked of whom, and how. */
interface Plan {
  readonly run: RunRow;
  readonly sides: readonly Side[];
  request(question: string): CallRequest;
}

/** `redistill sample [prompt]`: base and incumbent answer the same question, as at evaluation. */
export async function sampleCommand(
  prompt: string | undefined,
  flags: SampleFlags,
  options: SampleOptions,
): Promise<void> {
  const { workspace, output, signal, load = loadModel } = options;
  const input: ChatInput = options.input ?? process.stdin;
  const terminal = input.isTTY === true;
  const plan = await withStore(workspace, (store) => prepare(store, flags, options));
  const whole = prompt ?? (terminal || flags.chat ? undefined : await wholeInput(input));
  const { model } = await load({ ...plan.run.recipe.model, sequences: 1 }, output, signal);
  try {
    requireSameModel(plan.run, model.digest);
    if (whole !== undefined) await answer(whole, plan, model, options);
    if (whole !== undefined && !flags.chat) return;
    if (terminal) output.line("One question a line; an empty line ends.");
    for await (const question of readQuestions(input, signal)) {
      await answer(question, plan, model, options);
    }
  } finally {
    await model.dispose();
  }
}

/** Asks each side and shows the answers one under the other. */
async function answer(
  question: string,
  plan: Plan,
  model: ChatModel,
  { output, signal }: SampleOptions,
): Promise<void> {
  const answers: { model: string; adapter: string | null; text: string; complete: boolean }[] = [];
  for (const { name, adapter } of plan.sides) {
    await model.sample([plan.request(question)], {
      adapter,
      signal,
      onResult: (_index, { text, stopReason }) => {
        const from = { model: name, adapter: adapter?.sha256 ?? null };
        answers.push({ ...from, text: text.trim(), complete: stopReason === "end" });
      },
    });
  }
  output.result({ kind: "sample", run: plan.run.id, prompt: question, answers });
  const width = Math.max(...answers.map(({ model: name }) => name.length));
  for (const { model: name, text, complete } of answers) {
    const shown = `${text || "(nothing)"}${complete ? "" : " … (cut off at --max-tokens)"}`;
    const indented = shown.replaceAll("\n", `\n${" ".repeat(width + 2)}`);
    output.line(`${name.padEnd(width)}  ${indented}`);
  }
}

/** Everything that can be wrong is found out before the weights are loaded. */
async function prepare(
  store: Store,
  flags: SampleFlags,
  { workspace, output, signal }: SampleOptions,
): Promise<Plan> {
  const run = findRun(store, flags.run, {
    what: "finished run (name another with --run)",
    admits: ({ state }) => state === "finished",
  });
  const row = chooseAdapter(store, run, flags.adapter ?? "incumbent");
  if (row === null && flags.adapter !== "base") {
    output.note(`Run ${run.id} has promoted nothing: the base weights answer alone.`);
  }
  const adapter = row && (await verifiedAdapter(row, workspace, signal));
  const name = row?.sha256 === run.incumbent ? "incumbent" : (row?.sha256.slice(0, 12) ?? "");
  const { student } = promptsFrom(store.runs.prompts(run.id));
  const settings = {
    ...greedy(flags.maxTokens ?? run.recipe.student.maxTokens),
    temperature: flags.temperature ?? 0,
  };
  // With no seed given the request is the very one that evaluation makes.
  const seed = flags.seed === undefined ? ["evaluate"] : ["sample", flags.seed];
  return {
    run,
    sides: [{ name: "base", adapter: null }, ...(adapter ? [{ name, adapter }] : [])],
    request: (question) => {
      const messages: Message[] = flags.plain
        ? [{ role: "user", content: question }]
        : studentMessages(student, { prompt: question });
      return requestFor(messages, settings, ...seed);
    },
  };
}

async function wholeInput(input: ChatInput): Promise<string> {
  const question = (await readAll(input)).trim();
  if (question !== "") return question;
  throw new RedistillError(
    "usage",
    "no prompt was given and the standard input is empty",
    'Give one: redistill sample "Calculate 12 + 30."',
  );
}
