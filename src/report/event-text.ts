/** Members of an event's payload that hold its sentence, the first one found counts. */
const sentences = ["reason", "message", "text"];

/**
 * What an event's payload says, whatever its kind: its sentence, then what else it holds. Texts are
 * as they were recorded; the renderers make them safe to show.
 */
export function payloadText(payload: Readonly<Record<string, unknown>>): string {
  const sentence = sentences.find((key) => typeof payload[key] === "string" && payload[key] !== "");
  const rest = Object.entries(payload)
    .filter(([key, value]) => key !== sentence && value !== null && value !== undefined)
    .map(([key, value]) => `${spaced(key)} ${valueText(value)}`);
  const said = sentence === undefined ? "" : String(payload[sentence]);
  if (rest.length === 0) return said;
  return said === "" ? rest.join(", ") : `${said} (${rest.join(", ")})`;
}

function valueText(value: unknown): string {
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** "rolled_back", "rolledBack" and "rolled-back" → "rolled back". */
export function spaced(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .toLowerCase();
}
