import { invisible } from "../core/invisible.js";
import { leakIn } from "../core/leaks.js";
import { type Prompt, variablesIn } from "../core/prompt.js";
import type { ReadVariant, VariantFault, WrittenVariant } from "../core/variant.js";
import { lintPrompts } from "./lint.js";
import { parsePrompt } from "./load.js";
import { evolvedPrompt } from "./scaffold.js";

/**
 * A model's critique prompt as a file, or why it is not tried: it is empty, a copy, names other variables than its parent,
 * drops a field that its parent asks for by name, holds something of a task, or fails what every prompt is checked for.
 * Nothing here throws because of what a model wrote.
 */
export function readVariant(variant: WrittenVariant): ReadVariant {
  const { name, user, parent, ancestor, known, plain, tasks, source } = variant;
  const fault = (kind: VariantFault, reason: string) => ({ fault: kind, reason });
  if (user === "") return fault("empty", "there is no prompt in it");
  const same = known.find(([, prompt]) => comparable(prompt.user) === comparable(user));
  if (same) return fault("copy", `it is ${same[0]}, word for word`);
  const [had, has] = [variablesIn(parent.user).sort(), variablesIn(user).sort()];
  if (had.join() !== has.join()) {
    return fault("variables", `it names ${named(has)} and its parent ${named(had)}`);
  }
  const missing = fieldsNamed(parent).filter((field) => !namesField(user, field));
  if (missing.length > 0) {
    return fault("form", `it does not ask for ${missing.join(", ")}, as its parent does`);
  }
  const leak = leakIn(user, plain, tasks);
  if (leak !== null) return fault("leak", leak);
  if (unshowable(user)) return fault("lint", "it has characters that nobody can see");
  const body = evolvedPrompt(ancestor, { name, user, source });
  const file = { stage: "critique", name, path: `${name}.md`, body };
  const others = [file, { stage: "critique", path: "", ...ancestor }];
  const [problem] = lintPrompts([file], others, []);
  if (problem) return fault("lint", problem.message);
  return { body, prompt: parsePrompt("critique", file.path, body), fault: null };
}

const comparable = (text: string) => text.toLowerCase().replace(/\s+/g, " ").trim();

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
