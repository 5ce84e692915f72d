import { type Check, NO_REFERENCE, ok, ungradable, wrong } from "./verdict.js";

type JsonObject = { readonly [key: string]: unknown };

const MAX_NAMED = 10;

/**
 * Ok when the first JSON object of the answer (in a fence or in prose) equals the reference's:
 * key order is ignored, strings are compared trimmed and in NFC, types count (5 is not "5").
 * The finding names keys, never values; the score is the share of keys that are right.
 */
export function checkJson(answer: string, reference: string | null): Check {
  if (reference === null || reference.trim() === "") return ungradable(NO_REFERENCE);
  const wanted = firstJsonObject(reference);
  if (wanted === null) return ungradable("The task's reference is not a JSON object.");
  const found = firstJsonObject(answer);
  if (found === null) return ungradable("The answer holds no readable JSON object.");
  const report: Report = { right: 0, missing: [], extra: [], wrong: [] };
  compare(found, wanted, "", report);
  const faults = report.missing.length + report.extra.length + report.wrong.length;
  if (faults === 0) return ok("The JSON object is the expected one.");
  const finding = [
    listing("Missing keys", report.missing),
    listing("Unexpected keys", report.extra),
    listing("Keys with a wrong value", report.wrong),
  ];
  return wrong(finding.filter(Boolean).join(" "), report.right / (report.right + faults));
}

/** The first balanced `{…}` that parses; one that does not parse is skipped whole. */
export function firstJsonObject(text: string): JsonObject | null {
  for (let at = text.indexOf("{"); at !== -1; ) {
    const end = closing(text, at);
    if (end === -1) return null;
    try {
      const value: unknown = JSON.parse(text.slice(at, end));
      if (isObject(value)) return value;
    } catch {
      // Not JSON: prose in braces, or nested too deeply to parse.
    }
    at = text.indexOf("{", end);
  }
  return null;
}

function closing(text: string, from: number): number {
  let depth = 0;
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const letter = text[i];
    if (quoted) {
      if (letter === "\\") i++;
      else if (letter === '"') quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === "{") depth++;
    else if (letter === "}" && --depth === 0) return i + 1;
  }
  return -1;
}

interface Report {
  right: number;
  readonly missing: string[];
  readonly extra: string[];
  readonly wrong: string[];
}

function compare(found: JsonObject, wanted: JsonObject, path: string, report: Report): void {
  for (const key of Object.keys(wanted)) {
    const here = path === "" ? key : `${path}.${key}`;
    const a = found[key];
    const b = wanted[key];
    if (!Object.hasOwn(found, key)) report.missing.push(here);
    else if (isObject(a) && isObject(b)) compare(a, b, here, report);
    else if (equal(a, b)) report.right++;
    else report.wrong.push(here);
  }
  for (const key of Object.keys(found)) {
    if (!Object.hasOwn(wanted, key)) report.extra.push(path === "" ? key : `${path}.${key}`);
  }
}

function equal(a: unknown, b: unknown): boolean {
  if (typeof a === "string" && typeof b === "string") {
    return a.normalize("NFC").trim() === b.normalize("NFC").trim();
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => equal(item, b[i]));
  }
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
    );
  }
  return a === b;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listing(title: string, keys: readonly string[]): string {
  if (keys.length === 0) return "";
  const names = keys.slice(0, MAX_NAMED).map((key) => `"${key.slice(0, 60)}"`);
  const rest = keys.length - names.length;
  return `${title}: ${names.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}.`;
}
