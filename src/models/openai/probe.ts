import type { CallRequest, Message, Sampling } from "../../core/entities.js";
import type { Heard } from "../langchain/read-stream.js";
import { EndpointFault } from "../remote/endpoint.js";
import { type AnswerFormat, type Dialect, everything } from "./dialect.js";

/** Asks one question in a dialect. */
export type Ask = (request: CallRequest, dialect: Dialect) => Promise<Heard>;

/** What a server does, found out by asking it. */
export interface Abilities {
  readonly dialect: Dialect;
  /** The smallest `maxTokens` that it was seen to take. */
  readonly leastTokens: number;
  readonly topLogprobs: number;
  /** Two seeds gave two answers: else k tries are one try, k times. */
  readonly samples: boolean;
  /** Settings that it takes and does not heed. */
  readonly ignored: readonly ("topK" | "minP")[];
}

/** A question of no meaning; the answers are compared, not read. */
export const question: readonly Message[] = [
  { role: "user", content: "Write a few words about a river, as JSON." },
];

const ask = (sampling: Partial<Sampling>, more: Partial<CallRequest> = {}): CallRequest => ({
  messages: question,
  sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, maxTokens: 12, seed: 1, ...sampling },
  ...more,
});

/** The smallest request there is, for a server that writes at least so many tokens. */
export const shortest = (maxTokens: number) => ask({ maxTokens });

/** One token; where that is refused, what a model may need that thinks before it answers. */
const leastTokens = [1, 4096];

/** Alternatives per token that are asked for, most first; servers differ in what they refuse. */
const wantedLogprobs = [20, 5, 1];
const switches = ["streamUsage", "seed", "temperature", "topK", "minP"] as const;

/**
 * Asks about ten questions of up to 24 tokens.
 *
 * @throws EndpointFault where the server does not take even the plainest request, or is not there.
 */
export async function probe(send: Ask): Promise<Abilities> {
  const { taken, least } = await fieldsTaken(send);
  // A refusal here, as of so few tokens, says nothing of what is looked for.
  const text = async (sampling: Partial<Sampling>) =>
    (await unlessRefused(send, ask(sampling), taken))?.text ?? null;
  const greedy = await text({});
  const free = await text({ temperature: 1.5, seed: 1 });
  const samples = free === null || free !== (await text({ temperature: 1.5, seed: 2 }));
  const ignored: Abilities["ignored"][number][] = [];
  // Only the likeliest token is left by either setting, as when it is greedy.
  if (samples && taken.topK && (await text({ temperature: 1.5, topK: 1 })) !== greedy) {
    ignored.push("topK");
  }
  if (samples && taken.minP && (await text({ temperature: 1.5, minP: 1 })) !== greedy) {
    ignored.push("minP");
  }
  const dialect = { ...taken, answerFormat: await formatTaken(send, taken) };
  const topLogprobs = await logprobsGiven(send, dialect);
  return { dialect, leastTokens: least, samples, ignored, topLogprobs };
}

/** All optional fields at once; where that is refused, each alone. */
async function fieldsTaken(send: Ask): Promise<{ taken: Dialect; least: number }> {
  const [least = 1, most = 1] = leastTokens;
  if (await takes(send, shortest(least), everything)) return { taken: everything, least };
  const nothing = Object.fromEntries(switches.map((each) => [each, false]));
  const plain = { ...everything, ...nothing };
  const enough = (await takes(send, shortest(least), plain)) ? least : most;
  // Refused here, it is neither fields nor length: the key, the name, the address.
  await send(shortest(enough), plain);
  const taken = { ...plain };
  for (const each of switches) {
    taken[each] = await takes(send, shortest(enough), { ...plain, [each]: true });
  }
  return { taken, least: enough };
}

async function takes(send: Ask, request: CallRequest, dialect: Dialect): Promise<boolean> {
  return (await unlessRefused(send, request, dialect)) !== null;
}

async function unlessRefused(
  send: Ask,
  request: CallRequest,
  dialect: Dialect,
): Promise<Heard | null> {
  try {
    return await send(request, dialect);
  } catch (error) {
    if (error instanceof EndpointFault && error.trouble === "refused") return null;
    throw error;
  }
}

/** A model would hardly say this word by itself, nor JSON that holds nothing else. */
async function formatTaken(send: Ask, dialect: Dialect): Promise<AnswerFormat> {
  const word = "zyx";
  const schema = {
    type: "object",
    properties: { a: { type: "string", enum: [word] } },
    required: ["a"],
    additionalProperties: false,
  };
  const request = ask({ maxTokens: 24 }, { schema });
  const bySchema = await unlessRefused(send, request, { ...dialect, answerFormat: "json_schema" });
  if (bySchema?.text.includes(word)) return "json_schema";
  const anyJson = await unlessRefused(send, request, { ...dialect, answerFormat: "json_object" });
  return anyJson?.text.trimStart().startsWith("{") ? "json_object" : "none";
}

async function logprobsGiven(send: Ask, dialect: Dialect): Promise<number> {
  for (const topLogprobs of wantedLogprobs) {
    const heard = await unlessRefused(send, ask({ maxTokens: 1 }, { topLogprobs }), dialect);
    if (heard !== null) return Math.min(topLogprobs, heard.logprobs[0]?.top.length ?? 0);
  }
  return 0;
}
