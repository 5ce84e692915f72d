import type { Task } from "../core/entities.js";
import { ancestorId, type CandidatePrompt, type ProposalFault } from "../core/evolution.js";
import { invisible } from "../core/invisible.js";
import { leakIn } from "../core/leaks.js";
import { type Prompt, variablesIn } from "../core/prompt.js";
import { lintPrompts } from "../prompts/lint.js";
import { parsePrompt } from "../prompts/load.js";
import { evolvedPrompt } from "../prompts/scaffold.js";

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
  const parent = promptOf(proposed.parent);
  const fault = (kind: ProposalFault, reason: string) => ({ fault: kind, reason });
  const user = userText(text);
  if (!complete) return fault("cut off", "it is longer than reflect.maxTokens");
  if (user === "") return fault("empty", "there is no prompt in it");
  const same = candidates.find((each) => plain(promptOf(each).user) === plain(user));
  if (same) {
    const whose = same.id === ancestorId ? "the prompt that it began with" : same.id;
    return fault("copy", `it is ${whose}, word for word`);
  }
  const [had, has] = [variablesIn(parent.user).sort(), variablesIn(user).sort()];
  if (had.join() !== has.join()) {
    return fault("variables", `it names ${named(has)} and its parent ${named(had)}`);
  }
  const missing = fieldsNamed(parent).filter((field) => !namesField(user, field));
  if (missing.length > 0) {
    return fault("form", `it does not ask for ${missing.join(", ")}, as its parent does`);
  }
  const leak = leakIn(user, promptOf(candidates[0]!).user, tasks);
  if (leak !== null) return fault("leak", leak);
  if (unshowable(user)) return fault("lint", "it has characters that nobody can see");
  const body = evolvedPrompt(ancestor, { name: id, user, source: "a proposal of an evolution" });
  const file = { stage: "critique", name: id, path: `${id}.md`, body };
  const known = [file, { stage: "critique", path: "", ...ancestor }];
  const [problem] = lintPrompts([file], known, []);
  return problem ? fault("lint", problem.message) : { body, fault: null };
}

/** What stands in the first fence, else everything: small models leave the fence out. */
function userText(text: string): string {
  const fenced = /^```[^\n`]*\n([\s\S]*?)\n?```/m.exec(text);
  return (fenced?.[1] ?? text).replaceAll("```", "").trim();
}

const plain = (text: string) => text.toLowerCase().replace(/\s+/g, " ").trim();

const named = (variables: readonly string[]) =>
  variables.length === 0 ? "no variable" : `{{${variables.join("}}, {{")}}}`;

const namesField = (text: string, field: string) =>
  new RegExp(`^[\\s*_#>-]*${field}[*_]*\\s*:`, "im").test(text);

/** Fields of a prompt's answer that it tells the critic to write with their names. */
export function fieldsNamed({ output, user }: Prompt): string[] {
  if (typeof output === "string") return [];
  return Object.keys(output).filter((field) => namesField(user, field));
}

function unshowable(text: string): boolean {
  return [...text.matchAll(invisible)].some(([mark]) => mark !== "\n" && mark !== "\t");
}
