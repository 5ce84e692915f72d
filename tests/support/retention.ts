import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Script } from "../../src/models/scripted.js";
import { learner } from "./learner.js";

/** Questions of one suite; each is in words of its own, so that none resembles another. */
function suiteFile(folder: string, name: string, letter: number, count: number): string {
  const path = join(folder, `${name}.jsonl`);
  const lines = Array.from({ length: count }, (_, i) => {
    const word = `${String.fromCharCode(letter + (i % 13)).repeat(3)}${i}`;
    return JSON.stringify({ prompt: `${name} ${word} ${word}s?`, reference: `yes ${i}.` });
  });
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

/** Two suites of 40 and 30 questions, the second with a margin of its own: the setting `retention`. */
export function twoSuites(folder: string, margin = 0.4) {
  return {
    margin,
    suites: [
      { name: "facts", path: suiteFile(folder, "facts", 97, 40) },
      { name: "manners", path: suiteFile(folder, "manners", 110, 30), margin: 0.15 },
    ],
  };
}

/** Learns sums and knows all questions of both suites; a training makes it forget half of one of them. */
export const forgetful =
  (forgets: "facts" | "manners" | null): Script =>
  (request, adapter) => {
    const [, suite, word] =
      /^(facts|manners) [a-z]+(\d+) /.exec(request.messages.at(-1)?.content ?? "") ?? [];
    if (suite === undefined) return learner(request, adapter);
    const forgotten = adapter !== null && suite === forgets && Number(word) % 2 === 0;
    return forgotten ? "no idea" : `yes ${word}.`;
  };
