/** A value for each variable that a prompt may have: a sum, answered wrongly, and what was said of it. */
export const sampleValues: Readonly<Record<string, string>> = {
  text: "Write the number and nothing else.",
  task: "Calculate 17 + 25.",
  answer: "17 + 25 = 32",
  finding: "The last number in the answer is not the right one.",
  attempt: "17 + 25 = 42",
  reference: "42",
  critique: "The carry from 7 + 5 was lost.",
  revision: "17 + 25 = 42",
  lessons: "- Carry the one when two digits add up to ten or more.",
  question: "Calculate 17 + 25.",
  solution: "17 + 25 = 42",
  first: "17 + 25 = 42",
  second: "17 + 25 = 32",
  mark: "3f9a1c07be52",
  scale: "5",
  form: "A, B or tie",
  prompt: "Task: {{task}}\n\nAnswer: {{answer}}\n\nWhat is wrong with the answer?",
  failures:
    "Task: Calculate 17 + 25.\nAnswer: 17 + 25 = 32\nCritique: It is right.\nRewritten: 17 + 25 = 32",
  keep: "Keep {{task}} and {{answer}} as they are.",
  state:
    'Round 2 is next, 3 are left after it. Levers: generate.attempts 4 (2 to 8). Failures: c1 "lost carry", growing, 12.',
  turns: "6",
};
