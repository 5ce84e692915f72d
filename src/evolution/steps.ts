import { RedistillError } from "../core/errors.js";
import { ancestorId, type EvolutionSpec, type Match, type TaskPurpose } from "../core/evolution.js";
import { generate } from "../stages/generate.js";
import { decideProof } from "./decide.js";
import { meanFitness } from "./fitness.js";
import { proposeChildren } from "./propose.js";
import { candidateFitness, finalists, poolOf, triedDrafts, usableTasks } from "./search.js";
import { beatsParent } from "./selection.js";
import { type PlannedTrial, tryCandidates, withTried } from "./trials.js";
import type { StepInput, StepOutput } from "./types.js";

type Step = (input: StepInput) => Promise<StepOutput>;

/** The units of work of a search, in their order: stated here and nowhere else. */
export function stepsOf(spec: EvolutionSpec): [name: string, step: Step][] {
  const generations = Array.from({ length: spec.generations }, (_, at) => at + 1);
  return [
    ["drafts", (input) => draft(input, "breed")],
    ["ancestor", tryAncestor],
    ...generations.flatMap((generation): [string, Step][] => [
      [`generation ${generation}: propose`, (input) => proposeChildren(input, generation)],
      [`generation ${generation}: match`, (input) => match(input, generation)],
      [`generation ${generation}: breed`, (input) => breed(input, generation)],
    ]),
    ["proof: drafts", draftToProve],
    ["proof: finalists", tryFinalists],
    ["proof: decision", decideProof],
  ];
}

/** Attempts as the recipe's generate stage writes them; a run of the same recipe and seed shares them. */
async function draft(input: StepInput, purpose: TaskPurpose): Promise<StepOutput> {
  const { stage, search } = input;
  const elicited = { ...stage, rows: { ...stage.rows, elicited: search[purpose] } };
  const { rows } = await generate(elicited, input.ports("teacher"));
  const drafts = withTried(rows.attempts ?? [], stage.recipe.seed);
  const count = (kind: string) => drafts.filter(({ tried }) => tried === kind).length;
  if (drafts.every(({ tried }) => tried === null)) {
    throw new RedistillError(
      "model",
      `no attempt at the ${search[purpose].length} tasks to ${purpose} on can be graded: prompts cannot be told apart by them`,
      "Look at the answers (`redistill sample`), and set the recipe's student prompt, maxTokens or verifier right; then start another evolution.",
    );
  }
  return {
    rows: { drafts },
    summary: { attempts: drafts.length, right: count("right"), wrong: count("wrong") },
  };
}

async function tryAncestor(input: StepInput): Promise<StepOutput> {
  const { ancestor } = input.search;
  const candidate = {
    ...{ id: ancestorId, generation: 0, position: 0, parent: null },
    ...{ hash: ancestor.hash, body: ancestor.body },
  };
  const planned = triedDrafts(input.search, "breed").map((each) => ({ candidate, draft: each }));
  const trials = await tried(input, planned);
  const search = { ...input.search, trials };
  const tasks = usableTasks(search, "breed");
  const fitness = meanFitness(candidateFitness(search, ancestorId, "breed"), tasks);
  return {
    rows: { candidates: [candidate], trials },
    summary: { tasks: tasks.length, fitness: fitness.toFixed(3) },
  };
}

/** Children on their minibatches: those that beat their parents there enter. */
async function match(input: StepInput, generation: number): Promise<StepOutput> {
  const { search } = input;
  const children = search.candidates.filter((each) => each.generation === generation);
  const minibatchOf = (id: string) => search.proposals.find((each) => each.id === id)!.minibatch;
  const trials = await tried(
    input,
    children.flatMap((candidate) =>
      triedDrafts(search, "breed")
        .filter(({ taskId }) => minibatchOf(candidate.id).includes(taskId))
        .map((each) => ({ candidate, draft: each })),
    ),
  );
  const after = { ...search, trials: [...search.trials, ...trials] };
  const matches = children.map(({ id, parent }): Match => {
    const minibatch = minibatchOf(id);
    const [child, before] = [id, parent!].map((each) => candidateFitness(after, each, "breed"));
    return {
      candidate: id,
      parentScore: meanFitness(before!, minibatch),
      childScore: meanFitness(child!, minibatch),
      entered: beatsParent(child!, before!, minibatch),
    };
  });
  const entered = matches.filter((each) => each.entered).length;
  return { rows: { trials, matches }, summary: { tried: children.length, entered } };
}

/** Those that entered, on the rest of the breeding tasks. */
async function breed(input: StepInput, generation: number): Promise<StepOutput> {
  const { search } = input;
  const entered = new Set(search.matches.filter((m) => m.entered).map((m) => m.candidate));
  const known = new Set(search.trials.map(({ candidate, draftId }) => `${candidate} ${draftId}`));
  const trials = await tried(
    input,
    search.candidates
      .filter(({ id, generation: own }) => own === generation && entered.has(id))
      .flatMap((candidate) =>
        triedDrafts(search, "breed")
          .filter(({ id }) => !known.has(`${candidate.id} ${id}`))
          .map((each) => ({ candidate, draft: each })),
      ),
  );
  const after = { ...search, trials: [...search.trials, ...trials] };
  const tasks = usableTasks(after, "breed");
  const means = poolOf(after).map(({ fitness }) => meanFitness(fitness, tasks));
  return { rows: { trials }, summary: { pool: means.length, best: Math.max(...means).toFixed(3) } };
}

/** Nothing is paid for where nothing better was bred. */
async function draftToProve(input: StepInput): Promise<StepOutput> {
  if (finalists(input.search).length === 0) return { rows: {}, summary: { finalists: 0 } };
  return draft(input, "prove");
}

async function tryFinalists(input: StepInput): Promise<StepOutput> {
  const { search } = input;
  const chosen = finalists(search);
  if (chosen.length === 0) return { rows: {}, summary: { finalists: 0 } };
  const trials = await tried(
    input,
    [ancestorId, ...chosen].flatMap((id) => {
      const candidate = search.candidates.find((each) => each.id === id)!;
      return triedDrafts(search, "prove").map((each) => ({ candidate, draft: each }));
    }),
  );
  return {
    rows: { trials },
    summary: { finalists: chosen.length, tasks: usableTasks(search, "prove").length },
  };
}

function tried(input: StepInput, planned: readonly PlannedTrial[]) {
  const critic = input.ports("critic");
  const { complete: teacher, verify } = input.ports("teacher");
  const { complete, holdsSchema } = critic;
  return tryCandidates(input.stage, planned, { critic: complete, teacher, verify, holdsSchema });
}
