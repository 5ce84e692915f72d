/** Members of an event's payload that hold its sentence, the first one found counts. */
const sentences = ["reason", "message", "text"];
/** What to do next: shown where somebody decides on it, not in the middle of a sentence. */
const advice = "hint";
const longHash = /^[0-9a-f]{64}$/;

/**
 * What an event's payload says, whatever its kind: its sentence, then what else it holds. Texts are
 * as they were recorded; the renderers make them safe to show.
 */
export function payloadText(payload: Readonly<Record<string, unknown>>): string {
  const sentence = sentences.find((key) => typeof payload[key] === "string" && payload[key] !== "");
  const rest = Object.entries(payload)
    .filter(([key, value]) => key !== sentence && key !== advice && isShown(value, sentence))
    .map(([key, value]) => `${spaced(key)} ${valueText(value)}`);
  const said = sentence === undefined ? "" : String(payload[sentence]);
  if (rest.length === 0) return said;
  return said === "" ? rest.join(", ") : `${said} (${rest.join(", ")})`;
}

/** Whole objects are for programs, where a sentence says the same to people. */
function isShown(value: unknown, sentence: string | undefined): boolean {
  if (value === null || value === undefined) return false;
  return sentence === undefined || typeof value !== "object" || Array.isArray(value);
}

function valueText(value: unknown): string {
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  if (Array.isArray(value)) return value.map(valueText).join(" and ");
  if (typeof value !== "string") return JSON.stringify(value);
  return longHash.test(value) ? value.slice(0, 12) : value;
}

/** "rolled_back", "rolledBack" and "rolled-back" → "rolled back". */
export function spaced(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .toLowerCase();
}
