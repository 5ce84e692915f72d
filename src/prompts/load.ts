import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf, RedistillError } from "../core/errors.js";
import { sha256 } from "../core/hash.js";
import { nearest } from "../core/nearest.js";
import { type Prompt, promptName, variablesIn } from "../core/prompt.js";
import { promptOutput } from "../core/prompt-output.js";
import { readTextFile } from "../files/read-text.js";

const frontMatter = z.strictObject({
  name: z.string(),
  version: z.union([z.string(), z.number()]).transform(String),
  variables: z.array(z.string()),
  system: z.string().optional(),
  /** Where the idea comes from. */
  source: z.string().optional(),
  /** The prompt of the same stage that it was made from. */
  parent: promptName.optional(),
  output: promptOutput.default("text"),
});

/**
 * Reads `<directory>/<stage>/<name>.md` from the first of the directories that has it, so that a
 * workspace's own prompts come before the packaged ones.
 *
 * @throws RedistillError `usage` for an unknown prompt (with the nearest name) or a malformed file.
 */
export function readPromptFile(
  directories: readonly string[],
  stage: string,
  name: string,
): { path: string; body: string } {
  for (const directory of directories) {
    const path = join(directory, stage, `${name}.md`);
    if (existsSync(path)) return { path, body: readTextFile(path, "prompt") };
  }
  const known = promptNames(directories, stage);
  const close = nearest(name, known);
  throw new RedistillError(
    "usage",
    `no prompt prompts/${stage}/${name}.md`,
    `${close ? `Did you mean ${close}? ` : ""}Known ${stage} prompts: ${known.join(", ") || "none"}.`,
  );
}

function promptNames(directories: readonly string[], stage: string): string[] {
  const names = directories.flatMap((directory) => {
    const folder = join(directory, stage);
    return existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(".md")) : [];
  });
  return [...new Set(names.map((file) => file.slice(0, -".md".length)))].sort();
}

/** What a message of a stage cannot do without. */
const needed: Readonly<Record<string, readonly string[]>> = {
  student: ["task"],
  solution: ["task", "solution"],
  feedback: ["task", "finding"],
  cluster: ["failures"],
  embed: ["text"],
  evolve: ["prompt", "failures"],
  coach: ["state"],
  "coach-repair": ["form"],
};

/**
 * A prompt from the text of its file: YAML front matter between `---` lines, then the user message.
 * The declared variables and those in the text must be the same.
 */
export function parsePrompt(stage: string, where: string, body: string): Prompt {
  const parts = splitPrompt(where, body);
  const head = readFrontMatter(where, parts.head);
  const user = parts.user.trim();
  const used = variablesIn(`${head.system ?? ""}\n${user}`);
  const undeclared = used.filter((name) => !head.variables.includes(name));
  const unused = head.variables.filter((name) => !used.includes(name));
  if (undeclared.length > 0)
    throw badPrompt(where, `it uses {{${undeclared.join("}}, {{")}}} without declaring it`);
  if (unused.length > 0)
    throw badPrompt(where, `it declares ${unused.join(", ")} and does not use it`);
  const missing = (needed[stage] ?? []).find((name) => !variablesIn(user).includes(name));
  if (missing !== undefined) {
    throw badPrompt(where, `a ${stage} message must name {{${missing}}}, or it is of no use`);
  }
  if (head.output !== "text" && stage !== "critique") {
    throw badPrompt(where, `output is read of critiques only; what a ${stage} prompt gets is text`);
  }
  if (head.output === "none" && user !== "") {
    throw badPrompt(where, "output: none asks no model, so that its text would never be read");
  }
  return {
    stage,
    name: head.name,
    version: head.version,
    hash: sha256(body),
    parent: head.parent ?? null,
    source: head.source ?? null,
    variables: head.variables,
    output: head.output,
    system: head.system ?? null,
    user,
  };
}

/** The front matter of a prompt file, and all that comes after it. */
export function splitPrompt(where: string, body: string): { head: string; user: string } {
  const match = /^---\r?\n([\s\S]*?)\r?\n---\r?\n([\s\S]*)$/.exec(body);
  if (match === null) {
    throw badPrompt(where, "it does not begin with front matter between two `---` lines");
  }
  return { head: match[1] as string, user: match[2] as string };
}

function readFrontMatter(where: string, text: string): z.infer<typeof frontMatter> {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw badPrompt(where, `its front matter is not YAML (${messageOf(cause)})`);
  }
  const parsed = frontMatter.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badPrompt(where, `front matter ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

function badPrompt(where: string, what: string): RedistillError {
  return new RedistillError(
    "usage",
    `${where}: ${what}`,
    "Front matter needs name, version and variables; `system`, `source`, `parent` and `output` are optional.",
  );
}
