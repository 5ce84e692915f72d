import { parse } from "yaml";
import type { z } from "zod";
import { messageOf, RedistillError } from "../core/errors.js";
import { nearest } from "../core/nearest.js";

/** What errors say of a file that names a recipe and what is done with it. */
interface About {
  /** "study", "evolution". */
  readonly what: string;
  /** Where every key is to be seen. */
  readonly hint: string;
  /** What is said of an unknown key that is like no other. */
  readonly unlike: string;
}

/**
 * A study or an evolution from the text of its file.
 *
 * @throws RedistillError `usage` with what is wrong and, for a mistyped key, the nearest valid one.
 */
export function parseSpec<Schema extends z.ZodObject>(
  schema: Schema,
  text: string,
  where: string,
  { what, hint, unlike }: About,
): z.infer<Schema> {
  const bad = (problem: string, advice = hint) =>
    new RedistillError("usage", `${where}: ${problem}`, advice);
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw bad(`not YAML: ${messageOf(cause).split("\n")[0]}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // A mistyped key is also a missing one: its own error says more.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
  if (issue.code !== "unrecognized_keys") {
    throw bad(`${issue.path.join(".") || `the ${what}`}: ${issue.message}`);
  }
  const close = nearest(issue.keys[0]!, Object.keys(schema.shape));
  throw bad(
    `unknown key ${[...issue.path, issue.keys[0]].join(".")}`,
    close === null ? unlike : `Did you mean ${close}?`,
  );
}
