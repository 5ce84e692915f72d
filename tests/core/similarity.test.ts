import { describe, expect, it } from "vitest";
import { randomFrom } from "../../src/core/random.js";
import { nearDuplicates, type TextItem } from "../../src/core/similarity.js";

const items = (prefix: string, texts: readonly string[]): TextItem[] =>
  texts.map((text, i) => ({ id: `${prefix}${i}`, text }));

const flagged = (held: readonly string[], train: readonly string[], threshold?: number) =>
  nearDuplicates(items("h", held), items("t", train), threshold).map(
    (pair) => `${pair.heldOutId}-${pair.trainId}`,
  );

describe("equal texts", () => {
  it.each([
    ["Calculate 23 + 45.", "calculate 23+45"],
    ["Calculate 23 − 45", "  CALCULATE   23 - 45!"],
    ["What is 3 × 4?", "what is 3 x 4 = ?"],
    ["Café au lait", "Cafe\u0301 au lait."],
    ["Add １２ and 3", "add 12 and 3"],
    ["1,000 apples", "1000 apples"],
    ["One week has seven days", "1 week has 7 days"],
    ["Vince 's bus", "Vince's bus"],
    ["It’s well-known.", "it's well known"],
    ["首都是哪里？", "首都是哪里"],
    ["???", " ??? "],
  ])("%s = %s", (a, b) => {
    expect(nearDuplicates(items("h", [a]), items("t", [b]))).toEqual([
      { heldOutId: "h0", trainId: "t0", similarity: 1 },
    ]);
  });

  it.each([
    ["Calculate 23 + 45.", "Calculate 23 + 46."],
    ["Calculate 23 + 45.", "Calculate 23 - 45."],
    ["Simplify x - y", "Simplify x y"],
    ["Is 10² even", "Is 102 even"],
    ["???", "!!!"],
    ["1.5 kg", "15 kg"],
  ])("%s ≠ %s, even with no other text to compare", (a, b) =>
    expect(flagged([a], [b])).toEqual([]),
  );

  it("reports every pair of a text that occurs several times", () => {
    expect(flagged(["a b", "A b."], ["a B", "c", "a b!"])).toHaveLength(4);
  });

  it("finds nothing in nothing", () => {
    expect(flagged([], ["a"])).toEqual([]);
    expect(flagged(["a"], [])).toEqual([]);
  });
});

/** `count` different sums, from a seed. */
function sums(count: number, seed: number, write: (a: number, b: number) => string): string[] {
  const random = randomFrom(seed);
  const texts = new Set<string>();
  while (texts.size < count) {
    texts.add(write(10 + Math.floor(random() * 990), 10 + Math.floor(random() * 990)));
  }
  return [...texts];
}

describe("tasks of one template", () => {
  const long = (a: number, b: number) =>
    `State the final answer to the following arithmetic problem, as one number and with no words: ${a} + ${b} =`;

  it.each([5, 30, 300])("tells %i long sums apart", (count) => {
    const texts = sums(2 * count, count, long);
    expect(flagged(texts.slice(count), texts.slice(0, count))).toEqual([]);
    const neighbour = texts[0]!.replace(/(\d+) =/u, (_, n) => `${Number(n) + 1} =`);
    expect(flagged([neighbour], texts)).toEqual([]);
  });

  it("finds an exact copy among them", () => {
    const texts = sums(200, 3, long);
    expect(flagged([`  ${texts[50]!.toUpperCase()}`], texts)).toEqual(["h0-t50"]);
  });

  it("tells word problems with other numbers apart, and finds one with another word", () => {
    const story = (name: string, thing: string) => (a: number, b: number) =>
      `${name} has ${a} ${thing} and finds ${b} more in the garden. How many ${thing} does ${name} have now?`;
    const train = ["Tom", "Sara", "Ben", "Mia", "Ali"].flatMap((name, i) =>
      sums(60, i, story(name, ["apples", "shells", "coins"][i % 3]!)),
    );
    expect(flagged(sums(60, 99, story("Tom", "apples")), train)).toEqual([]);
    const copy = train[100]!.replace("garden", "kitchen");
    expect(flagged([copy], train)).toEqual(["h0-t100"]);
  });
});

describe("texts of their own", () => {
  const problem =
    "Joan bought toy cars for $14.88, a skateboard for $4.88 and toy trucks for $5.86. How much did Joan spend on toys?";
  const others = [
    "Sam grew 4 watermelons, but the rabbits ate 3. How many does Sam have?",
    "What is the capital of France?",
    "Name the colour of the sky.",
  ];

  it("finds a paraphrase with one changed word, alone and among others", () => {
    const paraphrase = problem.replace("toy trucks", "model trucks");
    expect(flagged([paraphrase], [problem])).toEqual(["h0-t0"]);
    expect(flagged([paraphrase], [...others, problem])).toEqual(["h0-t3"]);
  });

  it("does not flag different questions, or the same one of another country", () => {
    expect(flagged(["What is the capital of Spain?"], others)).toEqual([]);
    expect(flagged(["Who wrote Hamlet?"], others)).toEqual([]);
  });

  it("agrees with comparing every pair by hand: plain Jaccard for two texts alone", () => {
    // a b c d: 4 + 3 + 2 shingles; a b c e shares 3 + 2 + 1, so 6 / 12.
    const pair = nearDuplicates(items("h", ["aa bb cc dd"]), items("t", ["aa bb cc ee"]), 0.5);
    expect(pair[0]?.similarity).toBeCloseTo(0.5, 12);
  });

  it("reports only what reaches the threshold, most similar first", () => {
    const train = ["one two three four five six", "one two three four five seven", "other words"];
    const pairs = nearDuplicates(items("h", [train[0]!]), items("t", train), 0.5);
    expect(pairs.map((pair) => pair.trainId)).toEqual(["t0", "t1"]);
    expect(pairs[1]!.similarity).toBeLessThan(1);
  });
});

describe("the inverted index", () => {
  it("finds what comparing with a threshold of almost 0 finds", () => {
    const random = randomFrom(11);
    const letter = () => String.fromCharCode(97 + Math.floor(random() * 16));
    const word = () => `w${letter()}${letter()}`;
    const text = () => Array.from({ length: 4 + Math.floor(random() * 4) }, word).join(" ");
    const train = Array.from({ length: 150 }, text);
    const held = train.map((t) => (random() < 0.5 ? t.replace(/w\w\w$/u, word()) : text()));
    const all = nearDuplicates(items("h", held), items("t", train), 0.0001);
    for (const threshold of [0.2, 0.4, 0.6]) {
      const wanted = all.filter((pair) => pair.similarity >= threshold);
      expect(nearDuplicates(items("h", held), items("t", train), threshold)).toHaveLength(
        wanted.length,
      );
      expect(wanted.length).toBeGreaterThan(10);
    }
  });

  it("compares 2,000 with 10,000 short texts in seconds", () => {
    const texts = sums(12_000, 1, (a, b) => `What do you get when you calculate ${a} + ${b}?`);
    const start = performance.now();
    expect(flagged(texts.slice(0, 2000), texts.slice(2000))).toEqual([]);
    expect(performance.now() - start).toBeLessThan(6000); // about 1 s on a quiet machine
  });
});
