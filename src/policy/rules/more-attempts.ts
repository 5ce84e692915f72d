import { attemptYield, lacksExamples } from "../evidence.js";
import { figure, move, nothingToSay, type Rule, share } from "../rule.js";

/** Tasks without which nothing is decided. */
const enough = 8;
/** The last attempts add this much of an average one, or more: they are not exhausted. */
const open = 0.6;
/** Or no more than this: they agree. */
const exhausted = 0.15;
/** pass@k above pass@1 from which further attempts are worth a round's time. */
const worthwhile = 0.1;

/**
 * Attempts at a task by what the last of them add: more where pass@k is far above pass@1 and still rises, unless there
 * are as many right answers as may be learned from or the round forgot too much; fewer where attempts agree. Coverage by
 * samples: Chen et al. 2021; Brown et al. 2024, "Large Language Monkeys".
 */
export const moreAttempts: Rule = (observation, settings) => {
  const last = observation.rounds.at(-1);
  if (!last || last.tasks < enough) return nothingToSay;
  const found = attemptYield(observation, last);
  if (found === null) return nothingToSay;
  const { first, all, ratio } = found;
  const now = Number(settings["generate.attempts"]);
  const because = `one attempt solved ${share(first)} of tasks and all of them ${share(all)}; the last half added ${share(ratio)} of what an average one does`;
  const saw = { first: figure(first), all: figure(all), ratio: figure(ratio) };
  const grounds = { rule: "more-attempts", because, saw };
  if (ratio >= open && all - first >= worthwhile) {
    if (!lacksExamples(last)) return nothingToSay;
    return { decisions: move(observation, settings, "generate.attempts", now * 1.5, grounds) };
  }
  if (ratio > exhausted) return nothingToSay;
  return { decisions: move(observation, settings, "generate.attempts", now * 0.7, grounds) };
};
