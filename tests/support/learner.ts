import { sha256 } from "../../src/core/hash.js";
import type { Script } from "../../src/models/scripted.js";

const sumOf = (text: string) => {
  const match = /Calculate (\d+) \+ (\d+)/.exec(text);
  return Number(match?.[1]) + Number(match?.[2]);
};

/**
 * A student that is right about 1 time in 4, mends a third of what it is told, and is right half
 * the time with the first adapter and three times in four with a later one, or with a lesson.
 */
export const learner: Script = (request, adapter) => {
  const text = request.messages.at(-1)?.content ?? "";
  const luck = Number.parseInt(sha256([request, "luck"]).slice(0, 4), 16) / 65_536;
  if (text.includes("<revision>")) return "- Carry the tens into the next column.\nThat is all.";
  if (text.includes("<failures>")) return "One too many";
  if (text.includes("<finding>")) return "The sum is off.";
  if (text.includes("<second>")) return judged(luck);
  if (text.includes("<form>")) return "B";
  const skill = text.includes("<critique>")
    ? 0.33
    : adapter === null && !text.includes("<lessons>")
      ? 0.25
      : 0.75;
  return luck < skill ? `${sumOf(text)}` : `${sumOf(text) + 1}`;
};

/** A judge without judgement that now and then says nothing readable. */
const judged = (luck: number) =>
  luck < 0.2 ? "Both have something." : luck < 0.6 ? "A" : luck < 0.9 ? "B" : "Neither is.\ntie";
