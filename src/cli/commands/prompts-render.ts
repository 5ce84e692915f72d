import { z } from "zod";
import { messageOf, RedistillError } from "../../core/errors.js";
import { nearest } from "../../core/nearest.js";
import { renderPrompt } from "../../core/prompt.js";
import { schemaOf } from "../../core/prompt-output.js";
import { readTextFile } from "../../files/read-text.js";
import { findPrompt } from "../../prompts/library.js";
import { parsePrompt } from "../../prompts/load.js";
import { sampleValues } from "../../prompts/sample.js";
import { promptDirectories } from "../prompts.js";
import type { PromptsOptions } from "./prompts.js";

/** `redistill prompts render <stage/name>`: the messages, with values of a file or of a sample task. */
export function promptsRenderCommand(
  named: string,
  { vars }: { readonly vars?: string },
  { workspace, output }: PromptsOptions,
): void {
  const { stage, path, body } = findPrompt(promptDirectories(workspace), named);
  const prompt = parsePrompt(stage, path, body);
  const given = vars === undefined ? sampleValues : readValues(vars);
  requireGiven(prompt.variables, given, vars ?? "the sample task");
  if (prompt.output === "none") {
    output.result({ kind: "rendered", stage, name: prompt.name, messages: [], schema: null });
    output.line("It asks no model: answers are rewritten without a critique.");
    return;
  }
  const messages = renderPrompt(prompt, given);
  const schema = schemaOf(prompt.output);
  output.result({ kind: "rendered", stage, name: prompt.name, messages, schema });
  for (const { role, content } of messages) output.line(`[${role}]\n${content}`);
  if (["critique", "refine"].includes(stage) && !prompt.variables.includes("task")) {
    output.note("It does not name {{task}}: it is asked after the answer, in its conversation.");
  }
  if (schema !== null) output.note(`The answer is read as ${JSON.stringify(schema.properties)}`);
}

function requireGiven(
  variables: readonly string[],
  given: Readonly<Record<string, string>>,
  where: string,
): void {
  const names = Object.keys(given);
  const missing = variables.filter((name) => given[name] === undefined);
  if (missing.length === 0) return;
  const close = nearest(
    missing[0]!,
    names.filter((name) => !variables.includes(name)),
  );
  throw new RedistillError(
    "usage",
    `the prompt shows {{${missing.join("}}, {{")}}}, for which ${where} has no value`,
    `${close ? `Is ${close} meant for ${missing[0]}? ` : ""}Give them with --vars <file>, a JSON object of texts.`,
  );
}

function readValues(path: string): Readonly<Record<string, string>> {
  const text = readTextFile(path, "file of variables");
  const hint = 'Give a JSON object of texts: {"task": "Calculate 1 + 1."}';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RedistillError("usage", `${path} is no JSON (${messageOf(cause)})`, hint);
  }
  const texts = z.record(z.string(), z.union([z.string(), z.number().transform(String)]));
  const parsed = texts.safeParse(value);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join(".");
  const what = where ? `${where} is neither text nor a number` : "it is no object";
  throw new RedistillError("usage", `${path}: ${what}`, hint);
}
