/** Longest line that a worker may send; a page of tasks is far below it. */
const lineLimit = 64 * 1024 * 1024;

/**
 * Cuts a byte stream into lines. A line may arrive in any number of pieces, cut inside a character
 * too; one that exceeds the limit is reported once and dropped up to its end.
 */
export function createLineSplitter(
  onLine: (line: string) => void,
  onOverflow: () => void,
  limit: number = lineLimit,
): (chunk: Buffer) => void {
  let pieces: Buffer[] = [];
  let length = 0;
  let dropping = false;
  const add = (piece: Buffer) => {
    if (dropping) return;
    length += piece.length;
    if (length <= limit) {
      pieces.push(piece);
      return;
    }
    pieces = [];
    dropping = true;
    onOverflow();
  };
  return (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      add(chunk.subarray(start, end));
      if (!dropping) {
        const line = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
        onLine(line.toString("utf8"));
      }
      pieces = [];
      length = 0;
      dropping = false;
      start = end + 1;
    }
    if (start < chunk.length) add(chunk.subarray(start));
  };
}
