import { attemptYield, lacksExamples, revisionYield } from "../evidence.js";
import { figure, move, nothingToSay, type Rule } from "../rule.js";

const rule = "refine-budget";

/** Revised tasks without which nothing is decided. */
const enough = 8;

/**
 * Revisions for each draft by what the last one yields: one more where it would fix more tasks for a token than further
 * attempts solve and right answers are short, one fewer where the last fixed less than half as many. More right answers
 * are not wanted after a round that forgot too much. If each try fixes a task with the same chance q, t tries fix
 * f = 1 - (1 - q)^t of them, so that the t-th fixes q (1 - q)^(t - 1). Equal-cost comparison of tries at revising and at
 * answering: Olausson et al. 2024; Snell et al. 2024, "Scaling LLM Test-Time Compute Optimally".
 */
export const refineBudget: Rule = (observation, settings) => {
  const last = observation.rounds.at(-1);
  const revised = last && revisionYield([last]);
  const tries = Number(last?.settings["refine.tries"]);
  if (!last || !revised || revised.asked < enough || !(tries >= 1)) return nothingToSay;
  const attempts = attemptYield(observation, last)?.perToken ?? null;
  if (attempts === null) return nothingToSay;
  const chance = 1 - (1 - revised.fixed / revised.asked) ** (1 / tries);
  const tokensOfTry = last.revisions!.tokens / (revised.asked * tries);
  const yieldOf = (nth: number) => (chance * (1 - chance) ** (nth - 1)) / tokensOfTry;
  const [now, next] = [yieldOf(tries), yieldOf(tries + 1)];
  const because = `the last of ${tries} fixed ${figure(now * 1000)} tasks for a thousand tokens, further attempts solved ${figure(attempts * 1000)}`;
  const saw = { last: figure(now), next: figure(next), attempts: figure(attempts) };
  const current = Number(settings["refine.tries"]);
  const more = next > attempts && lacksExamples(last);
  const to = more ? current + 1 : now < attempts / 2 ? current - 1 : current;
  return { decisions: move(observation, settings, "refine.tries", to, { rule, because, saw }) };
};
