import { RedistillError } from "../../core/errors.js";
import { sha256 } from "../../core/hash.js";
import type { CritiqueVariant } from "../../core/policy.js";
import type { Prompt } from "../../core/prompt.js";
import { type VariantFault, writtenName } from "../../core/variant.js";
import type { RunRow } from "../../store/runs.js";
import { requireFits } from "../fits.js";
import type { RunContext } from "../unit.js";

/** What the recipe's critic is asked with, where there is something to be written anew. */
export function variedPrompt({ critiques }: RunContext, { recipe }: RunRow): Prompt | null {
  const own = recipe.critique && critiques().get(recipe.critique.prompt);
  return own && own.output !== "none" ? own : null;
}

/**
 * A coach's text as a critique prompt of its run: with the front matter of the recipe's own, named after the round. It
 * is held to what an evolution's proposals are held to, and no question or reference of any split may be in it.
 *
 * @returns the prompt, or what it may not be: in words of ours, since the sentence is kept and shown.
 */
export async function writtenVariant(
  context: RunContext,
  run: RunRow,
  round: number,
  text: string,
): Promise<CritiqueVariant | { readonly objection: string }> {
  const { store, coach, tasks, critiques, prompts, models } = context;
  const parent = variedPrompt(context, run)!;
  const name = writtenName(round);
  const known = [...critiques()];
  if (known.some(([other]) => other === name)) {
    return { objection: `the run has a prompt critique/${name} already` };
  }
  const ancestor = store.runs
    .prompts(run.id)
    .find((each) => each.stage === "critique" && each.name === parent.name)!;
  const read = coach!.readVariant({
    ...{ name, user: text.trim(), parent, ancestor, known, plain: parent.user },
    ...{ source: `the coach of run ${run.id}, round ${round}`, tasks: Object.values(tasks).flat() },
  });
  if (read.fault !== null) return { objection: objections(parent)[read.fault] };
  const { body, prompt } = read;
  const fits = await fitsAll(() =>
    requireFits(run.recipe, tasks, { ...prompts, critique: prompt }, models),
  );
  if (!fits) return { objection: "with its prompt not every task fits the critic's context" };
  return { name, version: prompt.version, hash: sha256(body), body };
}

function objections(parent: Prompt): Record<VariantFault, string> {
  const variables = parent.variables.map((each) => `{{${each}}}`).join(", ");
  return {
    empty: "its prompt is empty",
    copy: "its prompt is one that the run has",
    variables: `its prompt does not name what the recipe's does: ${variables}`,
    form: "its prompt does not ask for all fields that the recipe's asks for",
    leak: "its prompt holds the question or the reference of a task",
    lint: "its prompt fails what `redistill prompts lint` looks for",
  };
}

async function fitsAll(check: () => Promise<void>): Promise<boolean> {
  try {
    await check();
    return true;
  } catch (error) {
    if (error instanceof RedistillError && error.kind === "usage") return false;
    throw error;
  }
}
