import type { Task } from "../core/entities.js";
import { ancestorId, type CandidatePrompt, type ProposalFault } from "../core/evolution.js";
import type { Prompt } from "../core/prompt.js";
import { parsePrompt } from "../prompts/load.js";
import { readVariant } from "../prompts/variant.js";

/** What the reflecting model wrote, and what it must not be. */
export interface Proposed {
  readonly id: string;
  readonly text: string;
  /** false: it was cut off. */
  readonly complete: boolean;
  readonly parent: CandidatePrompt;
  /** The prompt that the evolution began with, as its file. */
  readonly ancestor: { readonly name: string; readonly body: string };
  /** All candidates before it. */
  readonly candidates: readonly CandidatePrompt[];
  readonly tasks: readonly Task[];
}

export type ReadProposal =
  | { readonly body: string; readonly fault: null }
  | { readonly fault: ProposalFault; readonly reason: string };

/** A candidate's prompt, parsed. */
export const promptOf = ({ id, body }: CandidatePrompt): Prompt =>
  parsePrompt("critique", id, body);

/** A proposal as a prompt's file, or why it is not tried. Nothing here throws because of what a model wrote. */
export function readProposal(proposed: Proposed): ReadProposal {
  const { id, text, complete, ancestor, candidates, tasks } = proposed;
  if (!complete) return { fault: "cut off", reason: "it is longer than reflect.maxTokens" };
  const read = readVariant({
    ...{ name: id, user: userText(text), source: "a proposal of an evolution" },
    ...{ parent: promptOf(proposed.parent), ancestor, tasks },
    known: candidates.map((each) => [
      each.id === ancestorId ? "the prompt that it began with" : each.id,
      promptOf(each),
    ]),
    plain: promptOf(candidates[0]!).user,
  });
  return read.fault === null ? { body: read.body, fault: null } : read;
}

/** What stands in the first fence, else everything: small models leave the fence out. */
function userText(text: string): string {
  const fenced = /^```[^\n`]*\n([\s\S]*?)\n?```/m.exec(text);
  return (fenced?.[1] ?? text).replaceAll("```", "").trim();
}
