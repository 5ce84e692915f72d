import { numbersIn, plainNumbers } from "../verifiers/index.js";

/** Numbers of a task that are looked at: of more, some pair would make almost any answer. */
const mostNumbers = 5;

const operations: readonly (readonly [string, (a: number, b: number) => number])[] = [
  ["it is the sum of two of the task's numbers", (a, b) => a + b],
  ["it is the difference of two of the task's numbers", (a, b) => a - b],
  ["it is the product of two of the task's numbers", (a, b) => a * b],
  ["it is one of the task's numbers divided by another", (a, b) => a / b],
];

/**
 * How a wrong number may have been made of the numbers in its task: in words, which are a part of what went wrong; null
 * where no single step makes it. The simplest reading is taken: 2 + 2 is a sum, though 2 × 2 is as much. Of word problems
 * most mistakes of those that calculate at all are of this kind: another operation than the one asked for, or none.
 *
 * @param finding The verifier's, which says what number it read.
 */
export function arithmeticOf(verifier: string, finding: string, prompt: string): string | null {
  if (verifier !== "numeric") return null;
  const [read, ...others] = valuesIn(finding);
  const given = valuesIn(prompt);
  if (read === undefined || others.length > 0) return null;
  if (given.length < 2 || given.length > mostNumbers) return null;
  const is = (value: number) => Math.abs(value - read) <= 1e-6 * Math.max(1, Math.abs(read));
  if (given.some(is)) return "the task itself has that number";
  const all = given.reduce((sum, each) => sum + each, 0);
  if (given.length > 2 && is(all)) return "it is the sum of all of the task's numbers";
  const pairs = given.flatMap((a, i) =>
    given.flatMap((b, j) => (i === j ? [] : [[a, b] as const])),
  );
  return operations.find(([, make]) => pairs.some(([a, b]) => is(make(a, b))))?.[0] ?? null;
}

const valuesIn = (text: string) => numbersIn(plainNumbers(text)).map(({ value }) => value);
