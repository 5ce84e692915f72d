import type { AgentJob } from "../../core/agent.js";
import type { Message } from "../../core/entities.js";
import { greedy, requestFor } from "../../stages/support/requests.js";
import { CoachFault } from "./faults.js";
import type { CoachInput, CoachPorts } from "./types.js";

/** Tokens that an answer needs at least: a proposal that changes a few things. */
export const leastAnswer = 128;
/** Those of the longest legal proposal, where a grammar makes a small model spell it. */
const spelledAnswer = 320;

/**
 * A coach's questions as calls of the loop: by its cache, so that a resumed run asks none again, greedily and with the
 * base weights, since a coach that learns from what it plans would move the plans.
 */
export function asking(
  { observation, settings }: CoachInput,
  ports: CoachPorts,
  signal: AbortSignal,
): AgentJob<unknown>["ask"] {
  const complete = ports.complete(signal);
  return async ({ turn, again, messages, schema, exactSchema }) => {
    signal.throwIfAborted();
    const { seed, round } = observation;
    const { shown, room } = await fitted(messages, ports);
    const sampling = greedy(Math.min(settings.maxTokens, room));
    const parts = [seed, "coach", round, turn, again ? "again" : "first"];
    const request = requestFor(shown, sampling, ...parts);
    const forms = { not: {}, schema: { schema }, grammar: { schema: exactSchema } };
    const [answer] = await complete([{ ...request, ...forms[ports.held] }], null);
    const { text, stopReason, unanswered } = answer!;
    if (unanswered !== undefined) throw new CoachFault("unavailable", unanswered);
    return { text, complete: stopReason === "end" };
  };
}

/**
 * As much of a conversation as leaves room for an answer: what was looked at first is left out first.
 *
 * @throws CoachFault `unavailable` where not even the question fits.
 */
async function fitted(
  messages: readonly Message[],
  { held, tokensOf, contextTokens }: CoachPorts,
): Promise<{ readonly shown: readonly Message[]; readonly room: number }> {
  const question = messages.findIndex(({ role }) => role === "user") + 1;
  const [head, turns] = [messages.slice(0, question), messages.slice(question)];
  const wanted = held === "grammar" ? spelledAnswer : leastAnswer;
  for (let left = 0; ; left += 2) {
    const shown = [...head, ...turns.slice(left)];
    const room = contextTokens - (await tokensOf(shown));
    if (room >= wanted) return { shown, room };
    if (left < turns.length) continue;
    if (room >= leastAnswer) return { shown, room };
    const lack = `its question leaves ${Math.max(0, room)} of ${contextTokens} tokens for an answer`;
    const advice = `which needs ${leastAnswer}; raise contextTokens of the coach's model`;
    throw new CoachFault("unavailable", `${lack}, ${advice}`);
  }
}
