import { sha256 } from "../../src/core/hash.js";
import type { Script } from "../../src/models/scripted.js";
import { learner } from "./learner.js";

/** What the reflecting model writes, by turns: a help, a copy, a leak, and what is no prompt. */
const proposals = {
  help: "```\nTask: {{task}}\n\nA student answered: {{answer}}\n\nThe checker says: {{finding}}\n\nADD THE COLUMNS AGAIN and say which one is off.\n```",
  same: "```\nTask: {{task}}\n\nA student answered: {{answer}}\n\nThe checker says: {{finding}}\n\nSay what may be off.\n```",
  lost: "```\nLook at {{task}} again and say what is wrong.\n```",
  nothing: "",
};

/**
 * A model whose revisions are right three times in four after a critique by a prompt that says ADD THE COLUMNS, and one
 * time in three after any other. `helps: false`: it never proposes such a prompt.
 */
export const evolver = (helps: boolean): Script => {
  return (request, adapter) => {
    const text = request.messages.at(-1)?.content ?? "";
    const luck = Number.parseInt(sha256([request, "luck"]).slice(0, 4), 16) / 65_536;
    if (text.includes("Write a better one.")) return proposed(text, luck, helps);
    if (text.includes("The checker says:")) {
      return text.includes("ADD THE COLUMNS") ? "The tens column is off." : somethingOff(text);
    }
    if (text.includes("Why it is wrong:")) {
      const [, a, b] = /Calculate (\d+) \+ (\d+)/.exec(text)!;
      const skill = text.includes("tens column") ? 0.8 : 0.33;
      return `${Number(a) + Number(b) + (luck < skill ? 0 : 1)}`;
    }
    return learner(request, adapter);
  };
};

/** Other words after each prompt, which change the luck of the revision and nothing else. */
const somethingOff = (text: string) => `Something is off: ${sha256(text).slice(0, 4)}.`;

const ways = "bcdefghjklmnopqrstuvwxyz";

function proposed(text: string, luck: number, helps: boolean): string {
  const way = ways[Math.floor(luck * 1000) % ways.length]!;
  if (luck < 0.35)
    return helps ? proposals.help : proposals.same.replace("Say", `In way ${way}, say`);
  if (luck < 0.5) return /```\n([\s\S]*?)\n```/.exec(text)![0];
  if (luck < 0.7) {
    const [, a, b] = /Calculate (\d+) \+ (\d+)/.exec(text)!;
    return proposals.same.replace("Say", `The sum is ${Number(a) + Number(b)}. Say`);
  }
  return luck < 0.9 ? proposals.lost : proposals.nothing;
}
