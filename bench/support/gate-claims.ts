import { randomFrom } from "../../src/core/random.js";
import { discordantOdds } from "../../src/stats/index.js";
import { printTable } from "./benchmark.js";
import { type Night, nightUnder, sequentialGate, wrongNight } from "./night.js";

const [alpha, looks, attempts, tasks] = [0.05, 8, 4, 400];
const gains = [0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1];
const correlations = [0.75, 0.85, 0.93];

const nightAt = (correlation: number, gain: number): Night => ({
  ...{ looks, tasks, accuracy: 0.6, gain, correlation, own: 0.25, attempts },
});

/** Share of first looks that find a gain, by true gain, at one correlation. */
export interface PowerCurve {
  readonly correlation: number;
  readonly points: readonly { readonly gain: number; readonly found: number }[];
}

/** What the gate that the loop has is to do, each claim with what was simulated and whether it holds. */
export function claims(nights: number): PowerCurve[] {
  console.log(`\n## The two claims, of the gate in the loop: sequential, ${attempts} attempts`);
  const rows = correlations.flatMap((correlation) =>
    [0, 0.5].map((skipped) => {
      const random = randomFrom(3000 * correlation + 10 * skipped);
      const gate = sequentialGate(attempts);
      const wrong = Array.from({ length: nights }, () =>
        wrongNight(gate, nightAt(correlation, 0), alpha, skipped, random),
      ).filter(Boolean).length;
      const holds = wrong / nights <= alpha ? "holds" : "**does not hold**";
      return [String(correlation), percent(skipped), withInterval(wrong, nights), holds];
    }),
  );
  console.log(
    `\nA/A nights of ${looks} rounds, ${tasks} tasks, ${nights} each: wrong promotions in at most 5%.`,
  );
  printTable(["correlation", "rounds without a candidate", "wrong nights", "claim"], rows);

  const curves = correlations.map((correlation) => curveAt(correlation, nights));
  console.log(
    `\n+5 points at ${tasks} tasks, one look of ${looks}, ${nights} looks each: found in at least 80%.`,
  );
  const power = curves.map(({ correlation, points }) => {
    const { found } = points.find(({ gain }) => gain === 0.05)!;
    const holds = found >= 0.8 ? "holds" : "**does not hold**";
    return [String(correlation), withInterval(Math.round(found * nights), nights), holds];
  });
  printTable(["correlation", "found", "claim"], power);
  console.log("\nThe curve: share found at one look, by true gain.");
  const head = ["true gain", ...correlations.map((correlation) => `correlation ${correlation}`)];
  printTable(
    head,
    gains.map((gain, i) => [
      `+${(100 * gain).toFixed(0)}`,
      ...curves.map(({ points }) => percent(points[i]!.found)),
    ]),
  );
  return curves;
}

function curveAt(correlation: number, looksEach: number): PowerCurve {
  const points = gains.map((gain) => {
    const random = randomFrom(5000 * correlation + 10_000 * gain);
    const night = { ...nightAt(correlation, gain), looks: 1 };
    const found = Array.from({ length: looksEach }, () =>
      nightUnder([sequentialGate(attempts)], night, alpha / looks, random),
    ).filter(([result]) => result!.promotedAt === 1).length;
    return { gain, found: found / looksEach };
  });
  return { correlation, points };
}

export const percent = (value: number) => `${(100 * value).toFixed(1)}%`;

/** "3.1% (2.4–3.9)": a share with its exact 95% interval. */
export function withInterval(count: number, total: number): string {
  const { low, high } = discordantOdds(count, total - count, 0.95)!;
  const shareOfOdds = (odds: number) => (odds === Infinity ? 1 : odds / (1 + odds));
  const ends = [low, high].map((odds) => (100 * shareOfOdds(odds)).toFixed(1));
  return `${percent(count / total)} (${ends.join("–")})`;
}

/** The curves as an SVG that reads on light and dark ground. */
export function curveSvg(curves: readonly PowerCurve[]): string {
  const [width, height, left, top] = [640, 360, 56, 16];
  const x = (gain: number) => left + (gain / 0.1) * (width - left - 110);
  const y = (found: number) => top + (1 - found) * (height - top - 48);
  const rule = (found: number, dash = "") =>
    `<path d="M${left} ${y(found)}H${x(0.1)}" stroke="#888" stroke-width="0.6"${dash}/><text x="${left - 8}" y="${y(found) + 4}" text-anchor="end">${100 * found}%</text>`;
  const lines = curves.map(({ correlation, points }, i) => {
    const colour = ["#b35900", "#0b63b8", "#2d8a4e"][i]!;
    const path = points.map(({ gain, found }) => `${x(gain)} ${y(found).toFixed(1)}`).join("L");
    return `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2"/><text x="${x(0.1) + 8}" y="${top + 16 + 18 * i}" fill="${colour}">correlation ${correlation}</text>`;
  });
  const ticks = gains.map(
    (gain) =>
      `<text x="${x(gain)}" y="${height - 28}" text-anchor="middle">+${(100 * gain).toFixed(0)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#888" role="img">
<title>Share of looks that find a gain, by true gain in points: sequential gate, ${tasks} tasks, ${attempts} attempts, one look of ${looks}</title>
${[0, 0.2, 0.4, 0.6, 1].map((found) => rule(found)).join("\n")}
${rule(0.8, ' stroke-dasharray="4 3"')}
${ticks.join("\n")}
<text x="${x(0.05)}" y="${height - 8}" text-anchor="middle">true gain, points</text>
${lines.join("\n")}
</svg>
`;
}
