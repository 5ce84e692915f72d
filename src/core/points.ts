/** A difference of shares in percentage points, always with a sign: 0.375 → "+37.5". */
export function points(share: number): string {
  const text = (share * 100).toFixed(1);
  return text === "-0.0" ? "+0.0" : share >= 0 ? `+${text}` : text;
}
