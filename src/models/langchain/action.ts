import { z } from "zod";
import type { AgentTool } from "../../core/agent.js";

/** What an agent's model may call: a tool, or what ends its work. */
export type Callable = Pick<AgentTool, "name" | "schema">;

/** A call as a model wrote it, its arguments as the schema of what is called made them. */
export interface Action {
  readonly name: string;
  readonly args: Record<string, unknown>;
}

/** A schema as JSON, in the part of the language that servers take as strict: all is required, nothing has a default. */
export function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => {
      delete jsonSchema.default;
    },
  });
  return json;
}

/** The JSON schema of a call. Which arguments go with which name is checked when it is read. */
export function actionSchema(callables: readonly Callable[]): Record<string, unknown> {
  const given = callables.map(({ schema }) => jsonSchemaOf(schema));
  return {
    type: "object",
    properties: {
      tool: { type: "string", enum: callables.map(({ name }) => name) },
      arguments: given.length === 1 ? given[0] : { anyOf: given },
    },
    required: ["tool", "arguments"],
    additionalProperties: false,
  };
}

/** The same where each name has its own arguments: servers want an object at the root, and no choice. */
export function exactActionSchema(callables: readonly Callable[]): Record<string, unknown> {
  return { anyOf: callables.map((callable) => callSchema(callable)) };
}

function callSchema({ name, schema }: Callable): Record<string, unknown> {
  return {
    type: "object",
    properties: { tool: { const: name }, arguments: jsonSchemaOf(schema) },
    required: ["tool", "arguments"],
    additionalProperties: false,
  };
}

/** The form of a call, as a model is told of it. */
export function actionForm(callables: readonly Callable[]): string {
  const names = callables.map(({ name }) => JSON.stringify(name)).join(" or ");
  return `{"tool": ${names}, "arguments": {…}}`;
}

/**
 * The call that an answer is: one JSON object and nothing else, but for a fence around it.
 *
 * @returns why it is none, where it cannot be read.
 */
export function readAction(text: string, callables: readonly Callable[]): Action | string {
  const bare = text.trim().replace(/^```(?:json)?\s*([\s\S]*?)\s*```$/, "$1");
  let said: unknown;
  try {
    said = JSON.parse(bare);
  } catch {
    return "it is not JSON";
  }
  const shape = z.strictObject({ tool: z.string(), arguments: z.unknown().default({}) });
  const call = shape.safeParse(said);
  if (!call.success) return problem(call.error);
  const called = callables.find(({ name }) => name === call.data.tool);
  if (called === undefined) return `there is no tool ${JSON.stringify(call.data.tool)} to call`;
  const args = called.schema.safeParse(call.data.arguments);
  if (!args.success) return problem(args.error);
  return { name: called.name, args: args.data as Record<string, unknown> };
}

function problem(error: z.ZodError): string {
  const [issue] = error.issues;
  const where = issue!.path.join(".");
  return where === "" ? issue!.message : `${where}: ${issue!.message}`;
}
