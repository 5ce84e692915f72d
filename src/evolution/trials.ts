import type { Task } from "../core/entities.js";
import type { CandidatePrompt, EvolutionDraft, Trial } from "../core/evolution.js";
import { seedFor } from "../core/hash.js";
import type { Complete, Verify } from "../core/ports.js";
import { readCritique, schemaOf } from "../core/prompt-output.js";
import { shuffled } from "../core/random.js";
import type { Recipe } from "../core/recipe.js";
import { criticMessages } from "../stages/support/criticism.js";
import { byTask, requestFor } from "../stages/support/requests.js";
import { rewriteMessages } from "../stages/support/rewrites.js";
import { exceptUnanswered } from "../stages/support/unanswered.js";
import { uncheckedAttempt } from "../stages/support/unchecked.js";
import type { StageInput } from "../stages/types.js";
import { draftFitness } from "./fitness.js";
import { promptOf } from "./proposal.js";

/** What a trial may do. */
export interface TrialPorts {
  readonly critic: Complete;
  readonly teacher: Complete;
  readonly verify: Verify;
  /** Whether the critic's model holds its answers to a schema. */
  readonly holdsSchema: boolean;
}

/** A candidate and a draft on which it is to be tried. */
export interface PlannedTrial {
  readonly candidate: CandidatePrompt;
  readonly draft: EvolutionDraft;
}

/** Attempts with those marked on which critics are tried: of each task one that is right and one that is wrong, by lot. */
export function withTried(
  attempts: readonly Omit<EvolutionDraft, "tried">[],
  seed: number,
): EvolutionDraft[] {
  const tried = new Map<string, "right" | "wrong">();
  for (const [taskId, own] of byTask(attempts)) {
    for (const [kind, outcome] of [["right", "ok"] as const, ["wrong", "wrong"] as const]) {
      const usable = own.filter(
        ({ verdict, truncated, answer }) =>
          verdict.outcome === outcome && !truncated && answer !== "",
      );
      const [chosen] = shuffled(usable, seedFor(seed, "evolve", kind, taskId));
      if (chosen) tried.set(chosen.id, kind);
    }
  }
  return attempts.map((attempt) => ({ ...attempt, tried: tried.get(attempt.id) ?? null }));
}

/**
 * Each planned draft is criticised with its candidate's prompt, by a critic that is not told what the verifier found,
 * rewritten once after that, and checked: as `examine` and `mend` do it, with the same seeds, so that all candidates
 * meet the same luck.
 *
 * @param input With all attempts of the drafts' tasks; its own critique prompt is not used.
 */
export async function tryCandidates(
  input: StageInput,
  planned: readonly PlannedTrial[],
  ports: TrialPorts,
): Promise<Trial[]> {
  const { recipe } = input;
  const { critique: asking, refine } = recipe as WithRework;
  const tasks = new Map(input.tasks.train.map((task) => [task.id, task]));
  const items = planned.map(({ candidate, draft }) => {
    const prompt = promptOf(candidate);
    const task = tasks.get(draft.taskId) as Task;
    const kind = draft.tried as "right" | "wrong";
    const attempt = uncheckedAttempt({ task, kind, answer: draft.answer });
    const own: StageInput = { ...input, prompts: { ...input.prompts, critique: prompt } };
    return { candidate, draft, prompt, task, kind, attempt, own };
  });
  const critiques = await ports.critic(
    items.map(({ own, prompt, task, kind, attempt }) => {
      const schema = ports.holdsSchema ? schemaOf(prompt.output) : null;
      const messages = criticMessages(own, prompt, task, attempt);
      const request = requestFor(messages, asking, recipe.seed, "examine", task.id, kind);
      return schema === null ? request : { ...request, schema };
    }),
    null,
  );
  const read = items.map(({ candidate, prompt, task, attempt }, position) => {
    const { callKey, text, stopReason } = critiques[position]!;
    const reading = readCritique(prompt.output, text, stopReason === "end");
    const words = { id: candidate.id, attemptId: attempt.id, taskId: task.id, text: text.trim() };
    return { ...words, callKey, promptHash: candidate.hash, ...reading };
  });
  const revisions = await ports.teacher(
    items.map(({ own, task, kind, attempt }, position) =>
      requestFor(
        rewriteMessages(own, own.prompts.refine!, { task, attempt, critique: read[position]! }),
        refine,
        ...[recipe.seed, "mend", task.id, kind],
      ),
    ),
    null,
  );
  const answers = revisions.map(({ text }) => text.trim());
  const checked = await ports.verify(
    items.map(({ task }, position) => ({ task, answer: answers[position]! })),
  );
  const verdicts = exceptUnanswered(checked, revisions);
  return items.map(({ candidate, draft, kind }, position): Trial => {
    const { callKey, text, says } = read[position]!;
    const { outcome, finding } = verdicts[position]!;
    return {
      candidate: candidate.id,
      draftId: draft.id,
      critiqueKey: callKey,
      critique: text,
      says,
      revisionKey: revisions[position]!.callKey,
      revision: answers[position]!,
      outcome,
      finding,
      score: draftFitness(kind, outcome, says),
    };
  });
}

/** A recipe that is evolved for has both; it is refused otherwise. */
type WithRework = { readonly [Key in "critique" | "refine"]: NonNullable<Recipe[Key]> };
