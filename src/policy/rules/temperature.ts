import type { RoundSeen } from "../../core/policy.js";
import { figure, move, nothingToSay, type Rule } from "../rule.js";

const step = 0.15;
/** Of the reference round's diversity: below this it has fallen, above the other it is back. */
const [fallen, back] = [0.6, 0.9];
/** Ungradable attempts, more than in the reference round, from which it is too hot. */
const tooHot = 0.2;

/**
 * Temperature against falling diversity, and back. The reference is the oldest round that is seen: the first one, in a
 * long run that of 20 rounds ago. Right answers agree, so that diversity is counted against the share of attempts that
 * are wrong: a student that gets better is not one that collapses. Raising the temperature as entropy falls: An et al.
 * 2025, "POLARIS"; why it falls in self-training: Shumailov et al. 2024, "AI models collapse when trained on recursively
 * generated data".
 */
export const temperature: Rule = (observation, settings) => {
  const [first, last] = [observation.rounds[0], observation.rounds.at(-1)];
  if (!first || !last || first === last) return nothingToSay;
  const [then, now] = [openness(first), openness(last)];
  const value = settings["generate.temperature"];
  if (then === null || now === null || typeof value !== "number") return nothingToSay;
  const lost = ungradable(last) - ungradable(first);
  const saw = { first: figure(then), last: figure(now), ungradable: figure(lost) };
  const rule = "temperature";
  const own = Number(observation.recipe["generate.temperature"]);
  const cooler = Math.max(own, value - step);
  if (value > own && (now >= back * then || lost > tooHot)) {
    const because =
      lost > tooHot
        ? `${figure(lost * 100)} points more attempts are ungradable than in round ${first.number}`
        : `wrong attempts differ again as in round ${first.number}: ${figure(now)} against ${figure(then)}`;
    return {
      decisions: move(observation, settings, "generate.temperature", cooler, {
        rule,
        because,
        saw,
      }),
    };
  }
  if (now >= fallen * then || lost > tooHot) return nothingToSay;
  const because = `wrong attempts differ by ${figure(now)}, in round ${first.number} by ${figure(then)}`;
  return {
    decisions: move(observation, settings, "generate.temperature", value + step, {
      ...{ rule, because, saw },
    }),
  };
};

/** How far attempts differ where they may: 0 to 1; null where nearly all are right. */
function openness({ diversity, right, attempts }: RoundSeen): number | null {
  const wrong = attempts === 0 ? 0 : 1 - right / attempts;
  return diversity === null || wrong < 0.1 ? null : Math.min(1, diversity / wrong);
}

function ungradable({ ungradable: count, attempts }: RoundSeen): number {
  return attempts === 0 ? 0 : count / attempts;
}
