import { ancestorId, type Proof } from "../core/evolution.js";
import { evolvedPrompt } from "../prompts/scaffold.js";
import { promptOf } from "./proposal.js";
import { prove } from "./prove.js";
import { candidateFitness, finalists } from "./search.js";
import type { StepInput, StepOutput } from "./types.js";

/** Finalists against the ancestor on the proving tasks; only one that won again becomes a file. */
export async function decideProof(input: StepInput): Promise<StepOutput> {
  const { search, runId, publish } = input;
  const chosen = finalists(search).map((id) => ({
    id,
    fitness: candidateFitness(search, id, "prove"),
  }));
  const ancestor = candidateFitness(search, ancestorId, "prove");
  const proofs: Proof[] = [];
  for (const proof of prove(ancestor, chosen, search.spec.alpha)) {
    const body = proof.won ? winnersFile(input, proof) : null;
    const path = body && (await publish(winnersName(runId, proof), body));
    proofs.push({ ...proof, path });
  }
  const won = proofs.filter((each) => each.won).length;
  return { rows: { proofs }, summary: { finalists: proofs.length, "won again": won } };
}

const winnersName = (runId: string, { candidate }: Pick<Proof, "candidate">) =>
  `${runId}-${candidate}`;

function winnersFile({ search, runId }: StepInput, proof: Omit<Proof, "path">): string {
  const { candidate, better, worse, tasks, pAdjusted } = proof;
  const { user } = promptOf(search.candidates.find(({ id }) => id === candidate)!);
  const figures = `fitter on ${better} and less fit on ${worse} of ${tasks} tasks, p ${pAdjusted.toPrecision(2)}`;
  return evolvedPrompt(search.ancestor, {
    name: winnersName(runId, proof),
    user,
    source: `evolved from ${search.ancestor.name} by reflection (GEPA: Agrawal et al. 2025), run ${runId}: ${figures}`,
  });
}
