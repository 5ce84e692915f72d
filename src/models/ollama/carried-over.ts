import type { FullCreateRequest } from "./create.js";
import type { ModelDescription } from "./server.js";

/** What a model made of other weights has to keep of its base, so that its prompts are the same. */
export function carriedOver(base: ModelDescription): Partial<FullCreateRequest> {
  const { template, system, messages, license } = base;
  const renderer = base.renderer || commandOf(base.modelfile, "RENDERER");
  const parser = base.parser || commandOf(base.modelfile, "PARSER");
  const parameters = parametersOf(base.parameters ?? "");
  return {
    ...(template ? { template } : {}),
    ...(system ? { system } : {}),
    ...(messages?.length ? { messages } : {}),
    ...(license ? { license } : {}),
    ...(renderer ? { renderer } : {}),
    ...(parser ? { parser } : {}),
    ...(Object.keys(parameters).length > 0 ? { parameters } : {}),
  };
}

/** The argument of a command that stands on one line of a modelfile. */
export function commandOf(modelfile: string, command: string): string | null {
  const found = new RegExp(`^${command}\\s+(.+)$`, "m").exec(modelfile ?? "");
  return found?.[1]?.trim() ?? null;
}

/** The lines of `parameters` (`stop    "<|im_end|>"`), Go's literals; a name may come more than once. */
function parametersOf(text: string): Record<string, unknown> {
  const parameters: Record<string, unknown> = {};
  for (const line of text.split("\n")) {
    const [, name, literal] = /^(\S+)\s+(.+)$/.exec(line.trim()) ?? [];
    if (name === undefined || literal === undefined) continue;
    const value = goLiteral(literal);
    const earlier = parameters[name];
    if (Array.isArray(earlier)) earlier.push(value);
    else if (earlier !== undefined) parameters[name] = [earlier, value];
    else parameters[name] = value;
  }
  return parameters;
}

/** Go writes bytes as \xNN and some characters as \UNNNNNNNN, which JSON does not know. */
function goLiteral(literal: string): unknown {
  const json = literal
    .replace(/\\x([0-9a-f]{2})/g, "\\u00$1")
    .replace(/\\U([0-9a-f]{8})/g, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/\\a/g, "\\u0007")
    .replace(/\\v/g, "\\u000b");
  try {
    return JSON.parse(json);
  } catch {
    return literal;
  }
}
