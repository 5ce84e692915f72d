import {
  clusterRound,
  distinctName,
  type Failure,
  readName,
  shortened,
  stepsOf,
  tellingBy,
} from "../clusters/index.js";
import { type Cluster, type ClusterMember, clustersWanted } from "../core/cluster.js";
import type { CallRequest, Critique } from "../core/entities.js";
import { modelOf } from "../core/model.js";
import { type Prompt, renderPrompt } from "../core/prompt.js";
import { type PromptOutput, wordsOf } from "../core/prompt-output.js";
import { withoutControlTokens } from "./support/judging/quoted.js";
import { greedy, requestFor } from "./support/requests.js";
import { promptOf } from "./support/trial.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/** Failures that a model reads to name a cluster, and characters of each of their texts, at most. */
const mostShown = 4;
/** New clusters of a round that are named, the largest: names are for people, and each costs as much as an attempt. */
const mostNamed = 12;
const longestText = 300;
/** Of a name, in tokens. */
const nameTokens = 24;

/**
 * Groups what was not right by what went wrong, together with the rounds before, and has the model name what is new. Only
 * attempts at training tasks are read. The base weights name, whoever is the incumbent: what a student has learned to
 * answer its tasks with is no name.
 */
export async function cluster(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { tasks, rows, round, earlierClusters: known } = input;
  const prompts = new Map(tasks.train.map(({ id, prompt }) => [id, prompt]));
  const failures = failuresOf(input, prompts);
  const grouped = clusterRound({
    ...{ round, failures, known, attempts: rows.attempts.length },
    telling: tellingBy(tasks.train.map(({ prompt }) => prompt)),
    promptOf: (taskId) => prompts.get(taskId) ?? null,
  });
  const born = await named(grouped.born, { ...input, failures, members: grouped.members }, ports);
  const led = (clusters: readonly Cluster[]) =>
    clusters.filter(({ leader }) => leader !== null).length;
  const wrong = failures.filter(({ outcome }) => outcome === "wrong").length;
  return {
    rows: { clusters: { ...grouped, born } },
    summary: {
      wrong,
      ungradable: failures.length - wrong,
      clusters: led(known) + led(born),
      born: led(born),
    },
  };
}

function failuresOf(input: StageInput, prompts: Map<string, string>) {
  const { rows } = input;
  const said = rows.critiques.flatMap((each) => {
    const words = faultIn(each, promptOf(input, each)?.output ?? "text");
    return words === null ? [] : [[each.attemptId, words] as const];
  });
  const steps = stepsOf(new Map(said));
  return rows.attempts.flatMap(({ id, taskId, answer, verdict }): Failure[] => {
    const { outcome, verifier, finding } = verdict;
    const prompt = prompts.get(taskId);
    if (outcome === "ok" || prompt === undefined) return [];
    const step = steps.get(id) ?? null;
    return [{ id, taskId, outcome, verifier, finding, answer, step, prompt }];
  });
}

/** What a critique says of a wrong answer, in words; null where it has none, or holds the answer to be right. */
function faultIn({ says, text }: Critique, output: PromptOutput): string | null {
  if (says === "right") return null;
  // A verdict or a score alone is in words no step.
  const hasTexts =
    output === "text" ||
    Object.values(output).some((field) => "type" in field && field.type === "string");
  return hasTexts ? wordsOf(output, text) : null;
}

interface Naming extends StageInput {
  readonly failures: readonly Failure[];
  readonly members: readonly ClusterMember[];
}

/** New clusters with their names: the model's, or where it gives none that can be read, the reason's. */
async function named(
  born: readonly Cluster[],
  input: Naming,
  ports: StagePorts,
): Promise<Cluster[]> {
  const prompt = input.prompts.cluster;
  const wanted = clustersWanted(input.recipe)?.name === true && prompt !== null;
  const requests = wanted ? await requestsFor(born, prompt, input, ports) : new Map();
  const asked = [...requests.keys()];
  // Not asked for nothing: a round without new clusters needs no model.
  const completions = asked.length === 0 ? [] : await ports.complete([...requests.values()], null);
  const answers = new Map(asked.map((id, position) => [id, completions[position]!]));
  const taken = new Set(input.earlierClusters.map(({ name }) => name));
  return born.map((each) => {
    const answer = answers.get(each.id);
    const whole = answer?.stopReason === "end" && answer.unanswered === undefined;
    const said = whole ? readName(answer.text) : null;
    const name = distinctName(said ?? each.name, taken);
    taken.add(name);
    return { ...each, name, namedBy: answer?.callKey ?? null };
  });
}

/** What is asked for the largest clusters that resemble a leader, with as many failures as fit; none where not one does. */
async function requestsFor(
  born: readonly Cluster[],
  prompt: Prompt,
  input: Naming,
  { render, countTokens }: StagePorts,
): Promise<Map<string, CallRequest>> {
  const { recipe } = input;
  const limit = modelOf(recipe, "coach").contextTokens - nameTokens;
  const led = born.filter(({ leader }) => leader !== null).slice(0, mostNamed);
  const drafts = led.flatMap((each) => {
    const shown = shownOf(each, input);
    return shown.map((_, fewer) => ({
      id: each.id,
      messages: renderPrompt(prompt, {
        failures: shown
          .slice(0, shown.length - fewer)
          .map(textOf)
          .join("\n\n"),
      }),
    }));
  });
  const lengths = await countTokens(drafts.map(({ messages }) => render(messages)));
  const requests = new Map<string, CallRequest>();
  for (const [position, { id, messages }] of drafts.entries()) {
    if (requests.has(id) || lengths[position]! > limit) continue;
    requests.set(id, requestFor(messages, greedy(nameTokens), recipe.seed, "cluster", id));
  }
  return requests;
}

/** The leader, then members of other tasks, then any. */
function shownOf({ id, leader }: Cluster, { failures, members }: Naming): Failure[] {
  const own = new Set(members.filter(({ clusterId }) => clusterId === id).map((m) => m.attemptId));
  const all = failures.filter((failure) => own.has(failure.id));
  const shown = all.filter((failure) => failure.id === leader);
  const tasks = new Set(shown.map(({ taskId }) => taskId));
  for (const failure of all) {
    if (tasks.has(failure.taskId)) continue;
    tasks.add(failure.taskId);
    shown.push(failure);
  }
  return [...new Set([...shown, ...all])].slice(0, mostShown);
}

function textOf({ prompt, answer, finding, step }: Failure): string {
  const lines = [
    ["Task", prompt],
    ["Answer", answer],
    ["Checker", finding],
    ["Critique", step],
  ];
  return lines
    .flatMap(([what, text]) =>
      text ? [`${what}: ${withoutControlTokens(shortened(text, longestText))}`] : [],
    )
    .join("\n");
}
