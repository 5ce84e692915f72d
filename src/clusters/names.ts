import type { Cluster } from "../core/cluster.js";
import { invisible } from "../core/invisible.js";

/** Characters of a name at most. */
const longest = 60;

/**
 * A name from what a model wrote, without quotation marks, emphasis and full stop around it; null where that is no name: more
 * than one line, more than 60 characters, no letter, or characters that do not show.
 */
export function readName(text: string): string | null {
  const name = text
    .trim()
    .replace(/^["'“”*_`#\s]+|["'“”*_`.\s]+$/gu, "")
    .normalize("NFC");
  const shown = name.replace(invisible, "") === name && /\p{L}/u.test(name);
  return shown && [...name].length <= longest ? name : null;
}

/** The name of a cluster that no model has named. */
export function nameByReason({
  outcome,
  verifier,
  reason,
}: Pick<Cluster, "outcome" | "verifier" | "reason">): string {
  if (verifier === "") return outcome === "wrong" ? "other failures" : "other ungradable answers";
  return shortened(reason === "" ? verifier : reason.replace(/[.\s]+$/u, ""), longest);
}

/** The name, or with a number where others have it already. */
export function distinctName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const ending = number === 1 ? "" : ` ${number}`;
    const distinct = `${shortened(name, longest - ending.length)}${ending}`;
    if (!taken.has(distinct)) return distinct;
  }
}

/** A text of at most so many characters, with … where the rest was. */
export function shortened(text: string, most: number): string {
  const characters = [...text];
  if (characters.length <= most) return text;
  const kept = characters.slice(0, most - 1).join("");
  return `${kept.trimEnd()}…`;
}
