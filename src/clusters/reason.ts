import type { FailedOutcome } from "../core/cluster.js";
import { invisible } from "../core/invisible.js";

const number = "#";
const quoted = "…";

/** A verifier's finding with placeholders: # for numbers, … for quoted parts, and a list of either as one of it. */
export function reasonOf(finding: string): string {
  return finding
    .replace(/"[^"\n]*"|`[^`\n]*`|“[^”\n]*”|«[^»\n]*»/gu, quoted)
    .replace(/(?<![\p{L}\d])[-+−]?[$€£]?\d[\d.,]*(?<=\d)(?:\/\d+|[eE][-+]?\d+)?%?/gu, number)
    .replace(/([#…])(?:(?:\s*,\s*|\s+and\s+)\1)+/gu, "$1")
    .replace(invisible, " ")
    .replace(/\s+/gu, " ")
    .trim();
}

/** What all members of a cluster share: outcome, verifier and reason as one text. */
export function reasonKey(failure: {
  readonly outcome: FailedOutcome;
  readonly verifier: string;
  readonly reason: string;
}): string {
  return JSON.stringify([failure.outcome, failure.verifier, failure.reason]);
}

/** Verifiers whose findings name places of an answer; those of others only quote it. */
const namesPlaces = new Set(["fields", "json"]);

/** The fields or keys that a finding names; empty where it names none. */
export function placesOf(verifier: string, finding: string): string[] {
  return namesPlaces.has(verifier) ? (finding.match(/"[^"\n]*"|\d+/gu) ?? []) : [];
}
