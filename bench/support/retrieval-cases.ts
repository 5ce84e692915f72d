import { readFileSync } from "node:fs";
import { readTaskFile } from "../../src/sources/jsonl.js";
import { orderTasks } from "../../src/sources/orders.js";

/** Tasks of several kinds, each with lessons that are of use for that kind alone. */
export interface RetrievalCase {
  readonly name: string;
  readonly kinds: readonly Kind[];
}

export interface Kind {
  readonly name: string;
  readonly lessons: readonly string[];
  /** Tasks that the lessons were learned from. */
  readonly learnedFrom: readonly string[];
  /** Other tasks, for which the lessons are to be found. */
  readonly asked: readonly string[];
}

/** Tasks that a lesson was learned from. */
const evidence = 2;

/** How an order is written (src/sources/orders.ts), and what goes wrong with it. */
const layouts: readonly (readonly [RegExp, ...lessons: string[]])[] = [
  [
    /^Hi, this is/,
    "The customer introduces himself in the greeting: take his name from there, and the town right after it.",
    "A polite opening gives the sender and where he lives before what he wants.",
  ],
  [
    / here\. I need/,
    "When a message begins with a bare first name, that is the customer.",
    "The place of delivery is the last word of what he needs.",
  ],
  [
    /^Could you ship/,
    "In a question the customer signs at the end, after the thanks.",
    "When someone asks whether goods could be sent, the number comes first and the signature last.",
  ],
  [
    /^My name is/,
    "Someone who states his name wants to buy; the town is where he lives, in the sentence after that.",
    "Do not take the article before the home town into the answer.",
  ],
  [
    /^We are out of/,
    "If a shop has run out of something, the goods stand in the first sentence and only the number in the second.",
    "Replace 'them' by the goods that are missing.",
  ],
  [
    /^To .*pieces\. Regards/,
    "When the address is at the front of the message, the town comes before the goods.",
    "The quantity stands in front of the word for units, after a comma.",
  ],
  [
    /^Last time I ordered/,
    "An earlier quantity is not the one that is wanted: take the new one.",
    "Ignore how many were bought before and write how many are wanted at present.",
  ],
  [
    /instead of \d+\.$/,
    "If one number replaces another, write the first and leave out the one that it replaces.",
    "The changed amount of a repeated order is the one to write.",
  ],
  [
    /^Dear team, our office/,
    "How many employees a company has is no quantity of goods.",
    "In a business letter the count of staff comes before the amount that is ordered.",
  ],
  [
    /branch speaking/,
    "The number of a former order is no quantity; the goods are added to it.",
    "On the telephone the place is named first and then who is calling.",
  ],
];

/** Orders, by how they are written. */
export function orders(each: number, seed: number): RetrievalCase {
  const prompts = orderTasks(40 * (each + evidence), seed).map(({ prompt }) => prompt);
  return {
    name: "orders",
    kinds: layouts.map(([layout, ...lessons]) => {
      const own = prompts.filter((prompt) => layout.test(prompt));
      const asked = own.slice(evidence, evidence + each);
      return { name: layout.source, lessons, learnedFrom: own.slice(0, evidence), asked };
    }),
  };
}

/** Subjects of general questions: where each begins in runs/suites/retention.jsonl, and its lines in replay.jsonl there. */
interface Subject {
  readonly name: string;
  readonly learnedFrom: number;
  /** First and last; null where replay.jsonl has none. */
  readonly asked: readonly [first: number, last: number] | null;
  readonly lessons: readonly string[];
}

const subjects: readonly Subject[] = [
  {
    name: "capitals",
    learnedFrom: 1,
    asked: [1, 7],
    lessons: [
      "Name the seat of government, not the largest town.",
      "Answer with the city alone and leave the nation out.",
    ],
  },
  {
    name: "colours",
    learnedFrom: 10,
    asked: [8, 12],
    lessons: [
      "Say the usual hue of the thing in one word.",
      "When two paints are stirred together, name the shade that results.",
    ],
  },
  {
    name: "opposites",
    learnedFrom: 19,
    asked: [13, 19],
    lessons: [
      "Give the word that means the contrary, not one that means the same.",
      "An antonym has the same part of speech as the word that was given.",
    ],
  },
  {
    name: "calendar",
    learnedFrom: 28,
    asked: [20, 24],
    lessons: [
      "Count forward or backward through the week before you answer.",
      "Name the part of the year that was asked for, not the date.",
    ],
  },
  {
    name: "animals",
    learnedFrom: 35,
    asked: [25, 34],
    lessons: ["Think of which creature has that trait.", "A young beast has a name of its own."],
  },
  {
    name: "the body",
    learnedFrom: 48,
    asked: [35, 40],
    lessons: [
      "Name the organ that does this work.",
      "Say which piece of human anatomy is meant, without its function.",
    ],
  },
  {
    name: "nature",
    learnedFrom: 56,
    asked: [41, 50],
    lessons: [
      "Use the word that science has for it.",
      "Remember the order of the planets and what physics and chemistry say of matter.",
    ],
  },
  {
    name: "counting",
    learnedFrom: 69,
    asked: null,
    lessons: ["Answer with a numeral.", "Give the amount and not the names of the items."],
  },
  {
    name: "people",
    learnedFrom: 75,
    asked: [51, 56],
    lessons: [
      "Write first and family name of the author, artist or discoverer.",
      "Do not tell the biography of the person; the name is enough.",
    ],
  },
  {
    name: "languages",
    learnedFrom: 83,
    asked: [57, 62],
    lessons: [
      "Translate the word and add nothing in English.",
      "Name the tongue of the majority of the inhabitants.",
    ],
  },
  {
    name: "proverbs",
    learnedFrom: 90,
    asked: [63, 67],
    lessons: [
      "Finish the quotation with the one word that is missing.",
      "Old sayings are fixed: do not invent an ending.",
    ],
  },
  {
    name: "geography",
    learnedFrom: 95,
    asked: [68, 72],
    lessons: [
      "Think of a map of the world: which land or sea lies there?",
      "For landmarks give the place where they stand.",
    ],
  },
];

/** General questions, by subject: lessons of those of one suite, asked for those of the other. */
export function general(): RetrievalCase {
  const promptsOf = (suite: string) =>
    readTaskFile(`runs/suites/${suite}.jsonl`, { kind: "contains" }).map(({ prompt }) => prompt);
  const [from, asked] = [promptsOf("retention"), promptsOf("replay")];
  return {
    name: "general questions",
    kinds: subjects.map((subject) => ({
      ...{ name: subject.name, lessons: subject.lessons },
      learnedFrom: from.slice(subject.learnedFrom - 1, subject.learnedFrom - 1 + evidence),
      asked: subject.asked === null ? [] : asked.slice(subject.asked[0] - 1, subject.asked[1]),
    })),
  };
}

/** What has to be done with two numbers, and what a teacher would say of it. */
const operations: readonly (readonly [string, (a: number, b: number) => number, ...string[]])[] = [
  [
    "sum",
    (a, b) => a + b,
    "When amounts of two owners are put together, add them.",
    "What somebody finds, gets or buys in addition makes the total larger.",
  ],
  [
    "difference",
    (a, b) => Math.abs(a - b),
    "What is given away, lost, eaten or spent is taken off what there was before.",
    "To see how much more or how much is left, subtract the smaller number from the larger.",
  ],
  [
    "product",
    (a, b) => a * b,
    "With several groups of the same size, multiply the number of groups by the size of one.",
    "A price or a rate for one is taken as many times as there are items.",
  ],
  [
    "quotient",
    (a, b) => Math.max(a, b) / Math.min(a, b),
    "When things are shared out equally, divide the whole by the number of shares.",
    "To find how many boxes or trips are needed, divide by what one of them holds.",
  ],
];

/**
 * Word problems with two numbers in them, by the one operation that gives their answer.
 *
 * @param path A file of lines with `prompt` and `reference`.
 */
export function wordProblems(path: string, each: number): RetrievalCase {
  const lines = readFileSync(path, "utf8").trim().split("\n");
  const problems = lines.map((line) => JSON.parse(line) as { prompt: string; reference: string });
  const kindOf = ({ prompt, reference }: (typeof problems)[number]) => {
    const [a, b, ...more] = (prompt.match(/\d+(\.\d+)?/g) ?? []).map(Number);
    if (a === undefined || b === undefined || more.length > 0) return null;
    const fitting = operations.filter(
      ([, operation]) => Math.abs(operation(a, b) - Number(reference)) < 1e-9,
    );
    return fitting.length === 1 ? fitting[0]![0] : null;
  };
  return {
    name: "word problems",
    kinds: operations.map(([name, , ...lessons]) => {
      const own = problems.filter((problem) => kindOf(problem) === name);
      const prompts = own.map(({ prompt }) => prompt);
      return {
        name,
        lessons,
        learnedFrom: prompts.slice(0, evidence),
        asked: prompts.slice(-each),
      };
    }),
  };
}
