/** Starts of the exchange; the best result is taken. */
const starts = 20;
/** Added to the diagonal so that designs which cannot yet tell everything apart can be compared. */
const ridge = 1e-6;

/**
 * A D-optimal fraction of a factorial for main effects: rows whose information matrix X'X has the largest
 * determinant, found by exchange (Fedorov 1972, Theory of Optimal Experiments; as in Cook and Nachtsheim 1980,
 * Technometrics 22:315–324) from several random starts. Each row is taken once at most.
 *
 * @param candidates All combinations, as level numbers.
 * @param sizes How many levels each factor has.
 * @param count Rows wanted; at least 1 + Σ(size - 1).
 * @returns The rows in the order of the candidates.
 */
export function dOptimal<Row extends readonly number[]>(
  candidates: readonly Row[],
  sizes: readonly number[],
  count: number,
  random: () => number,
): Row[] {
  const vectors = candidates.map((row) => coded(row, sizes));
  let best: { value: number; rows: number[] } | null = null;
  for (let start = 0; start < starts; start++) {
    const rows = exchanged(vectors, sample(candidates.length, count, random));
    const value = logDeterminant(vectors, rows);
    if (best === null || value > best.value + 1e-9) best = { value, rows };
  }
  return best!.rows.sort((a, b) => a - b).map((row) => candidates[row]!);
}

/** The intercept, and for each factor its levels against the last one, by effect coding. */
export function coded(row: readonly number[], sizes: readonly number[]): number[] {
  return [
    1,
    ...row.flatMap((level, factor) => {
      const last = sizes[factor]! - 1;
      return Array.from({ length: last }, (_, at) => (level === last ? -1 : level === at ? 1 : 0));
    }),
  ];
}

function sample(from: number, count: number, random: () => number): number[] {
  const rows = Array.from({ length: from }, (_, row) => row);
  for (let at = 0; at < count; at++) {
    const other = at + Math.floor(random() * (from - at));
    [rows[at], rows[other]] = [rows[other]!, rows[at]!];
  }
  return rows.slice(0, count);
}

/** Exchanges a row for another as long as that makes the determinant larger. */
function exchanged(vectors: readonly number[][], rows: number[]): number[] {
  let value = logDeterminant(vectors, rows);
  for (let improved = true; improved; ) {
    improved = false;
    for (let at = 0; at < rows.length; at++) {
      for (let candidate = 0; candidate < vectors.length; candidate++) {
        if (rows.includes(candidate)) continue;
        const tried = rows.with(at, candidate);
        const next = logDeterminant(vectors, tried);
        if (next <= value + 1e-9) continue;
        [rows, value, improved] = [tried, next, true];
      }
    }
  }
  return rows;
}

/** log det(X'X + ridge), by Cholesky's decomposition. */
function logDeterminant(vectors: readonly number[][], rows: readonly number[]): number {
  const width = vectors[0]!.length;
  const lower = Array.from({ length: width }, () => new Array<number>(width).fill(0));
  let sum = 0;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      let value = i === j ? ridge : 0;
      for (const row of rows) value += vectors[row]![i]! * vectors[row]![j]!;
      for (let k = 0; k < j; k++) value -= lower[i]![k]! * lower[j]![k]!;
      if (i > j) lower[i]![j] = value / lower[j]![j]!;
      else {
        const root = Math.sqrt(Math.max(value, Number.MIN_VALUE));
        lower[i]![i] = root;
        sum += 2 * Math.log(root);
      }
    }
  }
  return sum;
}
