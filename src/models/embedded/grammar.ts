import { RedistillError } from "../../core/errors.js";

type Schema = Readonly<Record<string, unknown>>;

/** Keywords that say nothing about an answer. */
const notes = ["$schema", "title", "description"];

/**
 * One line of text: what would need another escape is not written. Control characters cannot be.
 */
const rules = [
  String.raw`character ::= [^"\\\x00-\x1F\x7F] | "\\" ["\\]`,
  `integer ::= "-"? ("0" | [1-9] [0-9]{0,14})`,
  `number ::= integer ("." [0-9]{1,9})?`,
];

/**
 * A JSON schema as a grammar of llama.cpp (GBNF). All that it lets through fits the schema, in one form: members in the
 * order of `required` (a call's key does not keep that of `properties`), one space after a comma and a colon, no other
 * between values. No answer goes on for ever: strings and lists without a bound are refused.
 *
 * @throws RedistillError `model` for a schema that is not wholly understood, with the place in it.
 */
export function grammarOf(schema: Schema): string {
  return [`root ::= ${formOf(schema, "")}`, ...rules].join("\n");
}

function formOf(given: unknown, at: string): string {
  if (typeof given !== "object" || given === null) throw refused(at, "is no schema");
  const schema = given as Schema;
  if (schema.anyOf !== undefined) {
    only(schema, ["anyOf"], at);
    return oneOf(listOf(schema.anyOf, at).map((each, i) => formOf(each, `${at}/anyOf/${i}`)));
  }
  if ("const" in schema) {
    only(schema, ["type", "const"], at);
    return literal(JSON.stringify(schema.const));
  }
  if (schema.enum !== undefined) {
    only(schema, ["type", "enum"], at);
    return oneOf(listOf(schema.enum, at).map((each) => literal(JSON.stringify(each))));
  }
  return typed(schema, at);
}

function typed(schema: Schema, at: string): string {
  switch (schema.type) {
    case "object":
      only(schema, ["type", "properties", "required", "additionalProperties"], at);
      return objectOf(schema, at);
    case "array":
      only(schema, ["type", "items", "minItems", "maxItems"], at);
      return arrayOf(schema, at);
    case "string": {
      only(schema, ["type", "minLength", "maxLength"], at);
      const { least, most } = bounds(schema, "minLength", "maxLength", at);
      return `"\\"" character{${least},${most}} "\\""`;
    }
    case "integer":
    case "number":
      only(schema, ["type"], at);
      return schema.type;
    case "boolean":
      only(schema, ["type"], at);
      return `("true" | "false")`;
    case "null":
      only(schema, ["type"], at);
      return `"null"`;
    default:
      throw refused(at, `has the type ${JSON.stringify(schema.type)}`);
  }
}

function objectOf({ properties = {}, required = [], additionalProperties }: Schema, at: string) {
  if (additionalProperties !== false) throw refused(at, "may have members that it does not name");
  const [members, names] = [properties as Schema, required as readonly string[]];
  const optional = Object.keys(members).find((name) => !names.includes(name));
  if (optional !== undefined) throw refused(`${at}/${optional}`, "need not be there");
  const written = names.map((name) => {
    const value = formOf(members[name], `${at}/${name}`);
    return `${literal(`${JSON.stringify(name)}: `)} ${value}`;
  });
  return [`"{"`, written.join(` ", " `), `"}"`].filter(Boolean).join(" ");
}

function arrayOf(schema: Schema, at: string): string {
  const { least, most } = bounds(schema, "minItems", "maxItems", at);
  if (most === 0) return `"[]"`;
  const item = formOf(schema.items, `${at}/items`);
  const list = `"[" ${item} (", " ${item}){${Math.max(0, least - 1)},${most - 1}} "]"`;
  return least > 0 ? list : oneOf([`"[]"`, list]);
}

function bounds(schema: Schema, low: string, high: string, at: string) {
  const least = schema[low] ?? 0;
  const most = schema[high];
  if (!Number.isInteger(most)) throw refused(at, `has no ${high}, so that it could go on for ever`);
  if (!Number.isInteger(least) || Number(least) > Number(most)) throw refused(at, `has no length`);
  return { least: Number(least), most: Number(most) };
}

function listOf(given: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(given) || given.length === 0) throw refused(at, "has nothing to choose from");
  return given;
}

/** What is not understood is not passed over: the answer would not be what was asked for. */
function only(schema: Schema, known: readonly string[], at: string): void {
  const strange = Object.keys(schema).find((key) => ![...known, ...notes].includes(key));
  if (strange !== undefined) throw refused(at, `has ${strange}`);
}

const oneOf = (alternatives: readonly string[]) => `(${alternatives.join(" | ")})`;

/** A text as GBNF writes it, whose escapes are fewer than JSON's; JSON has no control character in it. */
const literal = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;

function refused(at: string, why: string): RedistillError {
  return new RedistillError(
    "model",
    `the embedded engine cannot hold an answer to this schema: ${at || "its root"} ${why}`,
    "Use objects whose members are all required, lists and strings with a largest length, numbers, const, enum and anyOf.",
  );
}
