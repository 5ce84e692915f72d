import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Of the files with engine or trainer those that take longest, by what was measured; the size of a file says nothing of it. */
const longest = [
  "e2e/round",
  "parity/full-weights",
  "models/openai/transformers-serve",
  "parity/adapter",
  "models/judge",
  "models/coach",
  "models/embedded",
  "training/distill",
  "training/real-worker",
  "faults/engine-killed",
];

const rankOf = ({ moduleId }: TestSpecification) => {
  const rank = longest.findIndex((name) => moduleId.endsWith(`tests/${name}.test.ts`));
  return rank < 0 ? longest.length : rank;
};

/** Begins with the longest files, also where nothing was timed yet, so that no worker is left alone with one at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const place = ({ project }: TestSpecification) => projects.indexOf(project.name);
    return sorted.sort((a, b) => place(a) - place(b) || rankOf(a) - rankOf(b));
  }
}
