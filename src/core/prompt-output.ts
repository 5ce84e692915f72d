import { z } from "zod";

/** A field of an answer, as the property of a JSON schema. */
const fieldSchema = z.union([
  z.strictObject({ type: z.literal("string") }),
  z.strictObject({ enum: z.array(z.string().regex(/^[a-z][a-z0-9 -]*$/)).min(2) }),
  z
    .strictObject({
      type: z.literal("integer"),
      minimum: z.number().int().min(0),
      maximum: z.number().int(),
    })
    .refine(({ minimum, maximum }) => minimum < maximum, "its minimum is not below its maximum"),
]);
type OutputField = z.infer<typeof fieldSchema>;
export type OutputFields = Readonly<Record<string, OutputField>>;

const fieldsSchema = z
  .record(z.string().regex(/^[a-z][a-z_]*$/), fieldSchema)
  .refine((fields) => Object.keys(fields).length > 0, "name a field, or give text")
  .refine(
    ({ verdict }) => verdict === undefined || isVerdict(verdict),
    "a verdict is an enum of right, wrong and at most unsure",
  )
  .refine(
    ({ verdict, confidence }) =>
      confidence === undefined || (verdict !== undefined && "minimum" in confidence),
    "a confidence is an integer beside a verdict",
  )
  .refine(
    ({ verdict, score }) => score === undefined || (verdict === undefined && "minimum" in score),
    "a score is an integer, and there is no verdict beside it",
  );

/**
 * What a prompt's answer is: any text; nothing, so that no model is asked; or fields, which are read
 * strictly. Of the fields `verdict`, `confidence` and `score` say what it holds of the criticised answer.
 */
export const promptOutput = z.union([z.literal("text"), z.literal("none"), fieldsSchema], {
  error:
    "give text, none, or fields, each {type: string}, {enum: [a, b]} or {type: integer, minimum: 0, maximum: 100}",
});
export type PromptOutput = z.infer<typeof promptOutput>;

/** What a critique says of an answer. Ungradable: it was asked for a verdict and gave none that can be read. */
export type CritiqueVerdict = "right" | "wrong" | "unsure" | "ungradable";

/** A critique as a detector of wrong answers: what it says, and how sure it is, from 0 to 1. */
export interface CritiqueReading {
  /** null: its prompt asks for no verdict. */
  readonly says: CritiqueVerdict | null;
  /** How likely it holds what it says to be true; null where it was not asked, or did not tell. */
  readonly confidence: number | null;
}

function isVerdict(field: OutputField): boolean {
  if (!("enum" in field)) return false;
  const known = ["right", "wrong", "unsure"];
  return (
    ["right", "wrong"].every((word) => field.enum.includes(word)) &&
    field.enum.every((word) => known.includes(word)) &&
    new Set(field.enum).size === field.enum.length
  );
}

/** The JSON schema of an answer, for models that can be held to one; null for any text. */
export function schemaOf(output: PromptOutput): Readonly<Record<string, unknown>> | null {
  if (typeof output === "string") return null;
  const properties = Object.fromEntries(
    Object.entries(output).map(([name, field]) => [
      name,
      "enum" in field ? { type: "string", ...field } : field,
    ]),
  );
  const required = Object.keys(output);
  return { type: "object", properties, required, additionalProperties: false };
}

/**
 * What a whole answer says of what it criticises.
 *
 * @param complete false: it was cut off, so that its end is not the end that was meant.
 */
export function readCritique(
  output: PromptOutput,
  text: string,
  complete: boolean,
): CritiqueReading {
  if (typeof output === "string" || !("verdict" in output || "score" in output)) {
    return { says: null, confidence: null };
  }
  const fields = complete ? readFields(output, text) : null;
  if (fields === null) return { says: "ungradable", confidence: null };
  if ("score" in output) return ofScore(fraction(output.score!, fields.score as number));
  const { confidence } = output;
  return {
    says: fields.verdict as CritiqueVerdict,
    confidence: confidence === undefined ? null : fraction(confidence, fields.confidence as number),
  };
}

/** A score is taken for the chance that the answer is right, as Kadavath et al. (2022) ask for P(True). */
function ofScore(right: number): CritiqueReading {
  if (right === 0.5) return { says: "unsure", confidence: 0.5 };
  return right > 0.5
    ? { says: "right", confidence: right }
    : { says: "wrong", confidence: 1 - right };
}

function fraction(field: OutputField, value: number): number {
  const { minimum, maximum } = field as { minimum: number; maximum: number };
  return (value - minimum) / (maximum - minimum);
}

/** The words of an answer for someone who reads on: its texts, or all fields where it has no text. */
export function wordsOf(output: PromptOutput, text: string): string {
  const fields = typeof output === "string" ? null : readFields(output, text);
  if (fields === null || typeof output === "string") return text;
  const texts = Object.entries(output).flatMap(([name, field]) =>
    "type" in field && field.type === "string" ? [fields[name] as string] : [],
  );
  if (texts.length > 0) return texts.join("\n");
  return Object.entries(output)
    .map(([name, field]) => {
      const best = "maximum" in field ? ` of ${field.maximum}` : "";
      return `${name}: ${fields[name]}${best}`;
    })
    .join(", ");
}

type Values = Readonly<Record<string, string | number>>;

/**
 * The fields of an answer: a JSON object, or `name: value` with each name on a line of its own, which
 * small models manage without being held to a schema. One field alone may come without its name.
 *
 * @returns null when a field is missing, is there twice, or has a value that it may not have.
 */
export function readFields(fields: OutputFields, text: string): Values | null {
  const raw = text.trim().replace(/^```(?:json)?\s*([\s\S]*?)\s*```$/, "$1");
  const said = raw.startsWith("{") ? fromJson(raw) : fromLines(fields, raw);
  if (said === null) return null;
  const names = Object.keys(fields);
  if (Object.keys(said).some((name) => !names.includes(name))) return null;
  const values = names.map((name) => [name, fieldValue(fields[name]!, said[name])] as const);
  if (values.some(([, value]) => value === null)) return null;
  return Object.fromEntries(values) as Values;
}

function fromJson(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function fromLines(fields: OutputFields, text: string): Record<string, unknown> | null {
  const names = Object.keys(fields);
  const label = new RegExp(`^[\\s*_#>-]*(${names.join("|")})[*_]*\\s*:[\\s*_]*(.*)$`, "i");
  const said: Record<string, string> = {};
  let last: string | null = null;
  for (const line of text.split("\n")) {
    const match = label.exec(line);
    if (match !== null) {
      last = match[1]!.toLowerCase();
      if (last in said) return null;
      said[last] = match[2]!;
    } else if (last !== null && isText(fields[last]!)) {
      said[last] += `\n${line}`;
    }
  }
  const [only] = names;
  return last === null && names.length === 1 ? { [only!]: text } : said;
}

const isText = (field: OutputField) => "type" in field && field.type === "string";

function fieldValue(field: OutputField, said: unknown): string | number | null {
  if (isText(field)) return typeof said === "string" && said.trim() !== "" ? said.trim() : null;
  // Without the marks that models put around a word: **wrong**, "wrong", wrong.
  const bare = String(said ?? "")
    .trim()
    .replace(/^[*_"'`]+|[*_"'`.]+$/g, "")
    .toLowerCase();
  if ("enum" in field) return field.enum.includes(bare) ? bare : null;
  const { minimum, maximum } = field as { minimum: number; maximum: number };
  const number = new RegExp(
    `^(\\d{1,9})(?:\\s*(?:%|/\\s*${maximum}|of ${maximum}|out of ${maximum}))?$`,
  );
  const value = Number(number.exec(bare)?.[1] ?? Number.NaN);
  return value >= minimum && value <= maximum ? value : null;
}
