/** What the messages of each stage may show, under some recipe or other. */
export const stageVariables = {
  student: ["task"],
  critique: ["task", "answer", "finding", "attempt", "reference"],
  refine: ["task", "answer", "finding", "critique", "reference"],
  distil: ["task", "answer", "critique", "revision"],
  memory: ["lessons", "question"],
  embed: ["text"],
  solution: ["task", "solution"],
  feedback: ["task", "answer", "finding"],
  cluster: ["failures"],
  judge: ["task", "first", "second", "mark"],
  rubric: ["task", "answer", "scale", "mark"],
  repair: ["form"],
  evolve: ["prompt", "failures", "keep"],
  coach: ["state", "turns"],
  "coach-repair": ["form"],
} as const satisfies Record<string, readonly string[]>;

export type PromptStage = keyof typeof stageVariables;

/** The stages that have prompts, in the order in which they are listed. */
export const promptStages = Object.keys(stageVariables) as PromptStage[];

/** What a recipe says of the variables that not every recipe gives. */
interface Settings {
  readonly critique: object | null;
  readonly teacher: { readonly hint: boolean };
  readonly generate: { readonly attempts: number };
}

/**
 * What a stage's messages may show under a recipe. The reference is seen where the hint is allowed,
 * a critique where there is one, another attempt where there are several.
 */
export function availableVariables(stage: PromptStage, recipe: Settings): readonly string[] {
  const absent = [
    ...(recipe.teacher.hint ? [] : ["reference"]),
    ...(recipe.critique ? [] : stage === "refine" ? ["critique"] : []),
    ...(recipe.generate.attempts > 1 ? [] : ["attempt"]),
  ];
  return stageVariables[stage].filter((name) => !absent.includes(name));
}
