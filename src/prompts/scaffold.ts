import { parseDocument } from "yaml";
import type { PromptFile } from "./library.js";
import { parsePrompt, splitPrompt } from "./load.js";
import { type PromptStage, stageVariables } from "./stages.js";

/** A prompt file to begin with: every variable of its stage, one a line. */
export function newPrompt(stage: PromptStage, name: string): string {
  const variables = stageVariables[stage].filter((each) => each !== "reference");
  const labelled = variables.map((each) => `${each}: {{${each}}}`).join("\n\n");
  const shown = variables.length === 1 ? `{{${variables[0]}}}` : labelled;
  return `---
name: ${name}
version: 1
variables: [${variables.join(", ")}]
source: "own"
---
${shown}
`;
}

/** A copy of a prompt under another name, as version 1, which says whose copy it is. */
export function derivedPrompt(parent: PromptFile, name: string): string {
  // Refuses what could not be read, before it is copied.
  parsePrompt(parent.stage, parent.path, parent.body);
  const { head, user } = splitPrompt(parent.path, parent.body);
  const front = parseDocument(head);
  front.set("name", name);
  front.set("version", 1);
  front.set("parent", parent.name);
  return `---\n${front.toString({ lineWidth: 0 }).trimEnd()}\n---\n${user}`;
}

/** A prompt with the front matter of another one and a message of its own, as version 1. */
export function evolvedPrompt(
  from: Pick<PromptFile, "name" | "body">,
  { name, user, source }: { name: string; user: string; source: string },
): string {
  const front = parseDocument(splitPrompt(from.name, from.body).head);
  front.set("name", name);
  front.set("version", 1);
  front.set("parent", from.name);
  front.set("source", source);
  return `---\n${front.toString({ lineWidth: 0 }).trimEnd()}\n---\n${user.trim()}\n`;
}
