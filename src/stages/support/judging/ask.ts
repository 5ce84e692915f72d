import type { CallRequest, Message } from "../../../core/entities.js";
import type { Complete } from "../../../core/ports.js";
import { type Prompt, renderPrompt } from "../../../core/prompt.js";
import { greedy, requestFor } from "../requests.js";

/** Something that a judge is asked, and how its answer is read. */
export interface JudgeQuestion<T> {
  readonly messages: readonly Message[];
  readonly maxTokens: number;
  readonly seedParts: readonly (string | number)[];
  /** How the last line of the answer has to be. */
  readonly form: string;
  /** null for an answer that is not in this form. */
  read(text: string): T | null;
}

export interface Said<T> {
  /** The call whose answer was read, or the last one that could not be. */
  readonly callKey: string;
  readonly repaired: boolean;
  /** null: it said nothing readable, also when it was asked again. */
  readonly said: T | null;
}

/**
 * Asks a judge, greedily and with the base weights: one that learned from its own verdicts would
 * move the yardstick. An answer that cannot be read is asked for once more; then it is no verdict.
 */
export async function askJudge<T>(
  questions: readonly JudgeQuestion<T>[],
  complete: Complete,
  repair: Prompt,
): Promise<Said<T>[]> {
  const first = await complete(questions.map(requestOf), null);
  const said = questions.map((question, i) => readable(question, first[i]!));
  // What ended the engine each time is not asked in another way.
  const unread = [...questions.keys()].filter(
    (i) => said[i] === null && first[i]!.unanswered === undefined,
  );
  const second = await complete(
    unread.map((i) => requestOf(askedAgain(questions[i]!, first[i]!.text, repair))),
    null,
  );
  const repaired = new Map(unread.map((i, position) => [i, second[position]!]));
  return questions.map((question, i): Said<T> => {
    const again = repaired.get(i);
    if (again === undefined) return { callKey: first[i]!.callKey, repaired: false, said: said[i]! };
    return { callKey: again.callKey, repaired: true, said: readable(question, again) };
  });
}

/** The last line of what was cut off is not the last line that was meant. */
function readable<T>(
  { read }: JudgeQuestion<T>,
  { text, stopReason }: { text: string; stopReason: "end" | "length" },
): T | null {
  return stopReason === "length" ? null : read(text);
}

function askedAgain<T>(question: JudgeQuestion<T>, text: string, repair: Prompt): JudgeQuestion<T> {
  const asked = renderPrompt(repair, { form: question.form });
  // Some servers refuse a message without content.
  const said: Message = { role: "assistant", content: text.trim() || "–" };
  return {
    ...question,
    messages: [...question.messages, said, ...asked.filter(({ role }) => role === "user")],
    seedParts: [...question.seedParts, "repair"],
  };
}

function requestOf<T>({ messages, maxTokens, seedParts }: JudgeQuestion<T>): CallRequest {
  return requestFor(messages, greedy(maxTokens), ...seedParts);
}
