import { numbersOf, shinglesOf, tokensOf } from "./shingles.js";

export interface TextItem {
  readonly id: string;
  readonly text: string;
}

export interface NearDuplicate {
  readonly heldOutId: string;
  readonly trainId: string;
  /** 1 for equal texts after normalisation. */
  readonly similarity: number;
}

/** Weight of a common word that only one of two texts has: little, but a difference. */
const COMMON_WORD = 0.1;

/**
 * Pairs of held-out and training texts that are (nearly) the same task, most similar first.
 *
 * Texts are compared as bags of 1- to 3-token shingles by weighted Jaccard similarity
 * Σ w·min / Σ w·max (shingles: Broder 1997; weights: Ioffe 2010), exactly, through an inverted index.
 * Tasks of one generator share a template, so a shingle's weight falls with the number of *other*
 * texts that hold it, from 1 to 0 at 2% of all texts (at least 10):
 * w = max(0, 1 - ln(1 + others) / ln(1 + max(10, N/50))). Leaving the pair itself out makes the
 * weights sound in small sets: two texts alone give plain Jaccard, not zero.
 *
 * Numbers are what tasks of one template differ in. So a shingle with a number that only one text
 * has counts 1, however common; and two texts with the same two or more numbers and the same
 * operators in the same order, which few other texts have, get the larger of that and the plain
 * Jaccard similarity of their tokens: the same word problem with another word in it.
 *
 * Not found: a text without numbers, of a common template, with one of few telling words replaced.
 *
 * @example
 * nearDuplicates([{ id: "a", text: "Calculate 23 + 45." }], [{ id: "b", text: "calculate 23+45" }])
 * // [{ heldOutId: "a", trainId: "b", similarity: 1 }]
 */
export function nearDuplicates(
  heldOut: readonly TextItem[],
  train: readonly TextItem[],
  threshold = 0.8,
): NearDuplicate[] {
  const corpus = readCorpus(heldOut, train);
  const pairs: NearDuplicate[] = [];
  const report = (a: Doc, b: Doc, similarity: number) => {
    for (const heldOutId of a.heldIds) {
      for (const trainId of b.trainIds) pairs.push({ heldOutId, trainId, similarity });
    }
  };
  for (const doc of corpus.docs) {
    if (doc.heldIds.length === 0) continue;
    report(doc, doc, 1);
    for (const other of candidates(doc, corpus, threshold)) {
      const similarity = similarityOf(doc, other, corpus);
      if (similarity >= threshold) report(doc, other, similarity);
    }
  }
  return pairs.sort((a, b) => b.similarity - a.similarity);
}

/** One distinct text after normalisation, with everyone who has it. */
interface Doc {
  readonly heldIds: string[];
  readonly trainIds: string[];
  /** Shingle → how often. */
  readonly bag: ReadonlyMap<number, number>;
  /** How many tokens. */
  readonly size: number;
  /** Numbers and operators in order; empty with fewer than two numbers. */
  readonly numbers: string;
  /** Σ of the weights that its shingles have where the other text lacks them. */
  alone: number;
}

interface Corpus {
  readonly docs: readonly Doc[];
  /** Texts that hold a shingle, and its weights in a pair where both hold it or only one does. */
  readonly holders: readonly number[];
  readonly shared: readonly number[];
  readonly alone: readonly number[];
  /** Whether a shingle is one token. */
  readonly single: readonly boolean[];
  /** Training texts by shingle, and by distinctive numbers. */
  readonly byShingle: ReadonlyMap<number, readonly Doc[]>;
  readonly byNumbers: ReadonlyMap<string, readonly Doc[]>;
}

function readCorpus(heldOut: readonly TextItem[], train: readonly TextItem[]): Corpus {
  const byText = new Map<string, Doc>();
  const ids = new Map<string, number>();
  const holders: number[] = [];
  const numeric: boolean[] = [];
  const single: boolean[] = [];
  const idOf = (shingle: string): number => {
    const known = ids.get(shingle);
    if (known !== undefined) return known;
    ids.set(shingle, holders.length);
    holders.push(0);
    numeric.push(/\d/u.test(shingle));
    single.push(shingle.lastIndexOf(" ") === 0);
    return holders.length - 1;
  };
  const add = (items: readonly TextItem[], list: "heldIds" | "trainIds") => {
    for (const { id, text } of items) {
      const tokens = tokensOf(text);
      const key = tokens.length > 0 ? tokens.join(" ") : `\0${text.trim()}`;
      let doc = byText.get(key);
      if (doc === undefined) {
        const bag = counted(shinglesOf(tokens).map(idOf));
        for (const shingle of bag.keys()) holders[shingle]!++;
        const size = tokens.length;
        doc = { heldIds: [], trainIds: [], bag, size, numbers: numbersOf(tokens), alone: 0 };
        byText.set(key, doc);
      }
      doc[list].push(id);
    }
  };
  add(heldOut, "heldIds");
  add(train, "trainIds");

  const docs = [...byText.values()];
  const common = Math.max(10, docs.length / 50);
  const weight = (others: number) => Math.max(0, 1 - Math.log1p(others) / Math.log1p(common));
  const shared = holders.map((count) => (count < 2 ? 0 : weight(count - 2)));
  const alone = holders.map((count, shingle) =>
    numeric[shingle] ? 1 : Math.max(COMMON_WORD, weight(count - 1)),
  );
  for (const doc of docs) {
    for (const [shingle, count] of doc.bag) doc.alone += alone[shingle]! * count;
  }
  const trained = docs.filter((doc) => doc.trainIds.length > 0);
  const byShingle = grouped(trained, (doc) => [...doc.bag.keys()].filter((s) => shared[s]! > 0));
  const byNumbers = grouped(trained, (doc) => (doc.numbers === "" ? [] : [doc.numbers]));
  const numberHolders = grouped(docs, (doc) => [doc.numbers]);
  for (const [numbers, all] of numberHolders) {
    if (all.length - 2 > common) byNumbers.delete(numbers);
  }
  return { docs, holders, shared, alone, single, byShingle, byNumbers };
}

function grouped<K>(docs: readonly Doc[], keysOf: (doc: Doc) => readonly K[]): Map<K, Doc[]> {
  const groups = new Map<K, Doc[]>();
  for (const doc of docs) {
    for (const key of keysOf(doc)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [doc]);
      else group.push(doc);
    }
  }
  return groups;
}

/**
 * Training texts that can reach the threshold. With S the weight that a pair shares and A what only
 * this text has, similarity <= S / (S + A). So a text that holds none of the rarest shingles, those
 * that weigh A, needs S from the rest: where threshold·A > (1 - threshold)·rest it cannot.
 */
function candidates(doc: Doc, corpus: Corpus, threshold: number): Set<Doc> {
  const { holders, shared, alone, byShingle, byNumbers } = corpus;
  const rarest = [...doc.bag].sort(([a], [b]) => holders[a]! - holders[b]!);
  let rest = rarest.reduce((sum, [shingle, count]) => sum + shared[shingle]! * count, 0);
  let missed = 0;
  const found = new Set<Doc>(byNumbers.get(doc.numbers) ?? []);
  for (const [shingle, count] of rarest) {
    if (rest < 1e-9 || threshold * missed > (1 - threshold) * rest + 1e-9) break;
    for (const other of byShingle.get(shingle) ?? []) found.add(other);
    rest -= shared[shingle]! * count;
    missed += alone[shingle]! * count;
  }
  found.delete(doc);
  return found;
}

function similarityOf(a: Doc, b: Doc, corpus: Corpus): number {
  const [small, large] = a.bag.size < b.bag.size ? [a, b] : [b, a];
  let both = 0;
  let either = a.alone + b.alone;
  let plain = 0;
  for (const [shingle, count] of small.bag) {
    const other = large.bag.get(shingle);
    if (other === undefined) continue;
    const weight = corpus.shared[shingle]!;
    both += weight * Math.min(count, other);
    either += weight * Math.max(count, other) - corpus.alone[shingle]! * (count + other);
    if (corpus.single[shingle]) plain += Math.min(count, other);
  }
  const weighted = both < 1e-9 ? 0 : both / either;
  const sameNumbers = a.numbers === b.numbers && corpus.byNumbers.has(a.numbers);
  return sameNumbers ? Math.max(weighted, plain / (a.size + b.size - plain)) : weighted;
}

function counted(ids: readonly number[]): Map<number, number> {
  const bag = new Map<number, number>();
  for (const id of ids) bag.set(id, (bag.get(id) ?? 0) + 1);
  return bag;
}
