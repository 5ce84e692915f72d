import type { CallRequest } from "../core/entities.js";
import type { CandidatePrompt, Proposal } from "../core/evolution.js";
import { sha256 } from "../core/hash.js";
import { modelOf } from "../core/model.js";
import { requestFor } from "../stages/support/requests.js";
import { promptOf, readProposal } from "./proposal.js";
import { failuresOf, reflectionMessages } from "./reflection.js";
import { poolOf, triedDrafts, usableTasks } from "./search.js";
import { type Mating, matings } from "./selection.js";
import type { StepInput, StepOutput } from "./types.js";

/** Children of a generation: each parent is drawn from the Pareto front and reflected on by its failures. */
export async function proposeChildren(input: StepInput, generation: number): Promise<StepOutput> {
  const { search, stage } = input;
  const { spec } = search;
  const pairs = matings(poolOf(search), usableTasks(search, "breed"), {
    ...{ seed: stage.recipe.seed, generation },
    ...{ children: spec.children, minibatch: spec.minibatch },
  });
  const asked: { mating: Mating; position: number; request: CallRequest | null }[] = [];
  for (const [position, mating] of pairs.entries()) {
    asked.push({ mating, position, request: await requestOf(input, generation, position, mating) });
  }
  const requests = asked.flatMap(({ request }) => request ?? []);
  const answers = requests.length === 0 ? [] : await input.ports("coach").complete(requests, null);
  const completions = new Map(requests.map((request, at) => [request, answers[at]!]));

  const proposals: Proposal[] = [];
  const candidates: CandidatePrompt[] = [];
  for (const { mating, position, request } of asked) {
    const { parent, minibatch } = mating;
    const place = { id: `g${generation}-${position + 1}`, generation, position, parent };
    const completion = request && completions.get(request);
    if (!completion) {
      const reason = "its parent has no failure there to learn from, or none that fits the context";
      proposals.push({ ...place, minibatch, callKey: null, fault: "unasked", reason });
      continue;
    }
    const { callKey, text, stopReason } = completion;
    const known = [...search.candidates, ...candidates];
    const read = readProposal({
      ...{ id: place.id, text, complete: stopReason === "end" },
      parent: known.find(({ id }) => id === parent)!,
      ...{ ancestor: search.ancestor, candidates: known, tasks: evolutionTasks(input) },
    });
    const reason = read.fault === null ? null : read.reason;
    proposals.push({ ...place, minibatch, callKey, fault: read.fault, reason });
    if (read.fault === null)
      candidates.push({ ...place, body: read.body, hash: sha256(read.body) });
  }
  const faults = proposals.flatMap(({ fault }) => fault ?? []);
  const counts = Object.fromEntries(
    [...new Set(faults)].map((fault) => [fault, faults.filter((each) => each === fault).length]),
  );
  const summary = { proposals: proposals.length, valid: candidates.length, ...counts };
  return { rows: { candidates, proposals }, summary };
}

/** What the reflecting model is asked, with as many failures as fit its context; null where there is none. */
async function requestOf(
  { search, stage, reflect, models }: StepInput,
  generation: number,
  position: number,
  { parent, minibatch }: Mating,
): Promise<CallRequest | null> {
  const { recipe } = stage;
  const { spec } = search;
  const failures = failuresOf(
    search.trials.filter(({ candidate }) => candidate === parent),
    triedDrafts(search, "breed"),
    minibatch,
    search.tasks,
  ).slice(0, spec.reflect.failures);
  const prompt = promptOf(search.candidates.find(({ id }) => id === parent)!);
  const { contextTokens } = modelOf(recipe, "coach");
  for (let count = failures.length; count > 0; count--) {
    const messages = reflectionMessages(reflect, prompt, failures.slice(0, count));
    const [tokens] = await models.coach.countTokens([models.coach.render(messages)]);
    if (tokens! + spec.reflect.maxTokens > contextTokens) continue;
    return requestFor(messages, spec.reflect, recipe.seed, "reflect", generation, position);
  }
  return null;
}

/** Tasks of which a proposal may hold no reference. */
function evolutionTasks({ search }: StepInput) {
  const ids = new Set([...search.breed, ...search.prove]);
  return search.tasks.filter(({ id }) => ids.has(id));
}
