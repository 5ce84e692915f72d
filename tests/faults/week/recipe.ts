const tagged = (name: string, variables: string[]) =>
  `---\nname: ${name}\nversion: 1\nvariables: [${variables.join(", ")}]\n---\n${variables
    .map((variable) => `<${variable}>{{${variable}}}</${variable}>`)
    .join("\n")}\n`;

/** The workspace's own prompts, with the marks that the scripted model reads; path and text. */
export const weekPrompts = [
  ["prompts/critique/find-the-error.md", tagged("find-the-error", ["task", "answer", "finding"])],
  ["prompts/refine/mend-it.md", tagged("mend-it", ["task", "answer", "critique"])],
] as const;

/** A job that takes the nights of about a week of the simulated world. */
export function weekRecipe(rounds: number, receiver: string): string {
  return `name: week
seed: 3
rounds: ${rounds}
tasks: { source: jsonl, path: sums.jsonl, verifier: { kind: numeric }, train: 60, gate: 60, sealed: 20 }
elicit: { tasksPerRound: 20 }
generate: { attempts: 4 }
critique: { prompt: find-the-error }
refine: { prompt: mend-it, tries: 2 }
schedule: { windows: ["22:00-07:00"], timeZone: Europe/Berlin }
notify: [{ kind: webhook, url: "${receiver}" }]
`;
}
