import { RedistillError } from "../core/errors.js";
import type { EvolutionSpec, Proof, Proposal } from "../core/evolution.js";
import { points } from "../core/points.js";
import type { Store } from "../store/store.js";
import { meanFitness } from "./fitness.js";
import { paretoFront } from "./pareto.js";
import { promptOf } from "./proposal.js";
import { candidateFitness, poolOf, readSearch, type Search, usableTasks } from "./search.js";

/** A prompt that was tried. */
export interface CandidateReport {
  readonly id: string;
  readonly parent: string | null;
  /** Mean fitness of its parent and of itself on its minibatch; null for the ancestor, and before it was tried. */
  readonly match: {
    readonly parent: number;
    readonly child: number;
    readonly entered: boolean;
  } | null;
  /** Mean fitness over the breeding tasks; null for one that did not enter. */
  readonly bred: number | null;
  /** Breeding tasks on which none is fitter; null where another makes it superfluous. */
  readonly bestOn: number | null;
  readonly text: string;
}

export interface EvolutionReport {
  readonly kind: "evolution";
  readonly run: string;
  readonly finished: boolean;
  readonly headline: string;
  readonly ancestor: string;
  readonly spec: EvolutionSpec;
  /** Tasks with a draft that can be graded, and all. */
  readonly tasks: Readonly<
    Record<"breed" | "prove", { readonly usable: number; readonly all: number }>
  >;
  readonly proposals: number;
  /** How many proposals had which fault, with the first such reason. */
  readonly faults: readonly {
    readonly fault: string;
    readonly count: number;
    readonly reason: string;
  }[];
  readonly candidates: readonly CandidateReport[];
  readonly proofs: readonly Proof[];
}

/**
 * An evolution, finished or not, from the saved database alone.
 *
 * @throws RedistillError `usage` for a run that is none.
 */
export function readEvolutionReport(store: Store, runId: string): EvolutionReport {
  const search = readSearch(store, runId);
  if (search === null) {
    throw new RedistillError(
      "usage",
      `run ${runId} is no evolution`,
      "`redistill status` lists runs.",
    );
  }
  const { spec, ancestor } = search;
  const drafted = (purpose: "breed" | "prove") =>
    search.drafts.some(({ taskId }) => search[purpose].includes(taskId));
  const count = (purpose: "breed" | "prove") => ({
    // Without drafts nothing is known of them yet.
    usable: (drafted(purpose) ? usableTasks(search, purpose) : search[purpose]).length,
    all: search[purpose].length,
  });
  return {
    kind: "evolution",
    run: runId,
    finished: search.done.has("proof: decision"),
    headline: headlineOf(search),
    ancestor: ancestor.name,
    spec,
    tasks: { breed: count("breed"), prove: count("prove") },
    proposals: search.proposals.length,
    faults: faultsOf(search.proposals),
    candidates: candidatesOf(search),
    proofs: search.proofs,
  };
}

function faultsOf(proposals: readonly Proposal[]): EvolutionReport["faults"] {
  const kinds = [...new Set(proposals.flatMap(({ fault }) => fault ?? []))];
  return kinds.map((fault) => {
    const of = proposals.filter((each) => each.fault === fault);
    return { fault, count: of.length, reason: of[0]!.reason ?? "" };
  });
}

function candidatesOf(search: Search): CandidateReport[] {
  const tasks = usableTasks(search, "breed");
  const pool = poolOf(search);
  const front = new Map(paretoFront(pool, tasks).map(({ id, best }) => [id, best]));
  const inPool = new Set(pool.map(({ id }) => id));
  return search.candidates.map((candidate) => {
    const { id, parent } = candidate;
    const match = search.matches.find((each) => each.candidate === id);
    return {
      id,
      parent,
      match: match
        ? { parent: match.parentScore, child: match.childScore, entered: match.entered }
        : null,
      bred: inPool.has(id) ? meanFitness(candidateFitness(search, id, "breed"), tasks) : null,
      bestOn: front.get(id) ?? null,
      text: promptOf(candidate).user,
    };
  });
}

/** What it came to, in one sentence or two. */
function headlineOf(search: Search): string {
  const { spec, ancestor, proposals, proofs } = search;
  if (!search.done.has("proof: decision") && proofs.length === 0 && !decidedBy(search)) {
    const generation = proposals.at(-1)?.generation ?? 0;
    return `Not finished: generation ${generation} of ${spec.generations}. Nothing is decided before the proof.`;
  }
  const won = proofs.filter((proof) => proof.won);
  if (won.length > 0) return won.map((proof) => winText(proof, ancestor.name, spec)).join(" ");
  if (proofs.length === 0 && search.candidates.length <= 1) {
    return `Nothing was tried: all ${proposals.length} proposals were refused before they cost a critique. Whether a better prompt exists is not known; ${ancestor.name} stays.`;
  }
  if (proofs.length === 0) {
    return `Nothing better was found: none of ${proposals.length} proposals was fitter than ${ancestor.name} over the breeding tasks. ${ancestor.name} stays.`;
  }
  const lost = proofs.map((proof) => lossText(proof, spec)).join(" ");
  return `Nothing better was found: ${lost} ${ancestor.name} stays.`;
}

/** Whether the last unit of work is all that is left: its rows are read within its own transaction. */
const decidedBy = ({ done }: Search) => done.has("proof: finalists");

function winText(proof: Proof, ancestor: string, spec: EvolutionSpec): string {
  return `${proof.candidate} won again: ${countText(proof)} than ${ancestor} (${figureText(proof, spec)}). It is ${proof.path}.`;
}

function lossText(proof: Proof, spec: EvolutionSpec): string {
  return `${proof.candidate} was fitter where it was bred and did not win again: ${countText(proof)} (${figureText(proof, spec)}).`;
}

const countText = ({ better, worse, tasks }: Proof) =>
  `fitter on ${better} and less fit on ${worse} of ${tasks} other tasks`;

/** The difference with its interval, and what the test says of it. */
export function figureText(proof: Proof, { alpha, finalists }: EvolutionSpec): string {
  const { better, worse, tasks, low, high, pAdjusted } = proof;
  const confidence = Math.round((1 - alpha) * 100);
  const adjusted = finalists > 1 ? " after Holm" : "";
  return `${points((better - worse) / Math.max(1, tasks))} points, ${confidence}% interval ${points(low)} to ${points(high)}, p ${pAdjusted.toPrecision(2)}${adjusted}, level ${alpha}`;
}
