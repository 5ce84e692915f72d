import type { Joints } from "./server-template.js";

const roles = ["system", "user", "assistant"] as const;

/**
 * A template in Go's language, as Ollama reads them, that writes between two messages what `joints`
 * say. A GGUF file carries its template in Jinja, which Ollama does not run: it takes the nearest of
 * a few that it knows, and with that, for example, loses a system prompt that stands in the file's.
 */
export function goTemplate(joints: Joints): string {
  /** What stands before `after`, by the message before it. */
  const joint = (after: string) =>
    [...joints]
      .map(([key, text]) => ({ roles: key.split(">"), text }))
      .filter(({ roles, text }) => roles[1] === after && text !== "")
      .map(({ roles, text }) => when("$before", roles[0]!, `{{ ${JSON.stringify(text)} }}`))
      .join("");
  const messages = roles.map((role) => when(".Role", role, joint(role))).join("");
  return [
    '{{- $before := "start" }}',
    `{{- range .Messages }}${messages}{{ .Content }}{{ $before = .Role }}{{ end }}`,
    joint("end"),
  ].join("");
}

/** Go's strings are written as JSON's are. */
function when(what: string, is: string, then: string): string {
  return `{{ if eq ${what} "${is}" }}${then}{{ end }}`;
}
