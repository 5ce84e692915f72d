import type { Task } from "../core/entities.js";
import {
  ancestorId,
  type CandidatePrompt,
  type EvolutionDraft,
  type EvolutionSpec,
  type Match,
  type Proof,
  type Proposal,
  type TaskPurpose,
  type Trial,
} from "../core/evolution.js";
import type { PromptSnapshot } from "../store/runs.js";
import type { Store } from "../store/store.js";
import { type Fitness, fitnessOf } from "./fitness.js";
import type { Member } from "./pareto.js";
import { finalistsOf } from "./selection.js";

/** An evolution as far as it has come, from its rows. */
export interface Search {
  readonly spec: EvolutionSpec;
  /** The prompt that it began with. */
  readonly ancestor: PromptSnapshot;
  /** All training tasks of the run; its first ones may be exemplars, which are neither bred nor proved on. */
  readonly tasks: readonly Task[];
  readonly breed: readonly string[];
  readonly prove: readonly string[];
  readonly drafts: readonly EvolutionDraft[];
  readonly proposals: readonly Proposal[];
  readonly candidates: readonly CandidatePrompt[];
  readonly trials: readonly Trial[];
  readonly matches: readonly Match[];
  readonly proofs: readonly Proof[];
  /** Names of the units of work that are done. */
  readonly done: ReadonlySet<string>;
}

/** @returns null for a run that is no evolution. */
export function readSearch(store: Store, runId: string): Search | null {
  const { evolutions } = store;
  const spec = evolutions.spec(runId);
  if (spec === null) return null;
  return {
    spec,
    ancestor: store.runs.prompts(runId).find(({ stage }) => stage === "critique")!,
    tasks: store.tasks.ofSplit(runId, "train"),
    breed: evolutions.taskIds(runId, "breed"),
    prove: evolutions.taskIds(runId, "prove"),
    drafts: evolutions.drafts(runId),
    proposals: evolutions.proposals(runId),
    candidates: evolutions.candidates(runId),
    trials: evolutions.trials(runId),
    matches: evolutions.matches(runId),
    proofs: evolutions.proofs(runId),
    done: new Set(evolutions.steps(runId).map(({ name }) => name)),
  };
}

/** Drafts on which critics are tried, of tasks of one purpose. */
export function triedDrafts(search: Search, purpose: TaskPurpose): EvolutionDraft[] {
  const ids = new Set(search[purpose]);
  return search.drafts.filter(({ taskId, tried }) => tried !== null && ids.has(taskId));
}

/** The tasks of a purpose that have such a draft, in their order: the others say nothing of any prompt. */
export function usableTasks(search: Search, purpose: TaskPurpose): string[] {
  const usable = new Set(triedDrafts(search, purpose).map(({ taskId }) => taskId));
  return search[purpose].filter((id) => usable.has(id));
}

/** Fitness of a candidate on the tasks of a purpose. */
export function candidateFitness(search: Search, id: string, purpose: TaskPurpose): Fitness {
  return fitnessOf(id, search.trials, triedDrafts(search, purpose));
}

/** Prompts that were tried on all breeding tasks, the ancestor first. */
export function poolOf(search: Search): Member[] {
  const entered = new Set(search.matches.filter((m) => m.entered).map((m) => m.candidate));
  return search.candidates
    .filter(({ id }) => id === ancestorId || entered.has(id))
    .map(({ id }) => ({ id, fitness: candidateFitness(search, id, "breed") }));
}

/** Who goes on to the proof; none while breeding is not over, or where nothing better was bred. */
export function finalists(search: Search): string[] {
  return finalistsOf(poolOf(search), usableTasks(search, "breed"), search.spec.finalists);
}
