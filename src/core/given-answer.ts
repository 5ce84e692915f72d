import { normalised } from "./leaks.js";

/** Words that may stand between what announces an answer and the answer. */
const fillers =
  "(?:\\s+(?:with|as|be|just|only|always|simply|exactly|about|a|the|number|letter|word|option|choice|it|them|that|this|is)|:)";
/** Quotation marks, emphasis, brackets and signs of money around an answer. */
const around = `\\s*["'“‘«*\`(\\[$€£]*`;
/** What follows a number that says how long an answer is, and not what it is. */
const forms =
  "(?:digits?|characters?|letters?|words?|decimals?|places?|lines?|numbers?|parts?|sentences?|steps?|items?|times|or|to)";

const tells = `\\b(?:say|write|answer|reply|respond|output|return|print|state|give|choose|pick|select|use|put|enter|report|tick|mark|guess|submit|equal|make|come to|get)(?:s|ing)?\\b${fillers}{0,4}`;
const names = `\\b(?:answer|result|solution|sum|total|difference|product|quotient|value|output|reply|response|option|choice)(?:\\s+[\\p{L}\\p{N}]+){0,6}?\\s+(?:is|are|was|equals|(?:will|must|should|can only) be)${fillers}{0,3}`;
const pronouns = `\\b(?:it|that|this) (?:is|equals|must be|should be)${fillers}{0,3}`;
const signs = "(?:[=→⇒]|->|=>|(?<!\\d):)";

/**
 * Whether a lesson gives a short reference as an answer, where it stands in many a sentence that does not: "Say 42." and
 * "Check the last 2 digits." The rule: as a whole word it is all that the text says; or it stands after a word that tells
 * what to answer (say, write, choose, …), after "it is" or after a colon, and its clause ends there; or after an equals
 * sign; or after a word for the answer and "is" ("the answer is 42 apples"), where no word for the form of an answer
 * follows ("the answer is 2 digits long").
 *
 * Not found: a number in words, other languages but after signs, and what must be reckoned out.
 *
 * @param reference As `normalised` has it.
 */
export function givesAsAnswer(text: string, reference: string): boolean {
  const said = normalised(text);
  if (!said.includes(reference)) return false;
  if (said.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "") === reference) return true;
  const own = reference.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  const whole = `${around}${own}(?![\\p{L}\\p{N}%]|[.,]\\d)`;
  const ends = `(?=["'”’»*\`)\\]\\s]*(?:$|[.,;:!?]|\\s(?:and|or|for|if|when|whenever|where|because|not|in|unless|then|to|every)\\b))`;
  // A letter may be a word of its own, "a" for one: only a number is an answer whatever follows.
  const followed = /^\P{L}+$/u.test(reference) ? `(?!["'”’»*\`)\\]]*\\s+${forms}\\b)` : ends;
  const rules = [
    `(?:${tells}|${pronouns}|${signs})${whole}${ends}`,
    `${names}${whole}${followed}`,
    `[=→⇒]${whole}(?!\\s*[-+*/^×÷<>]\\s*[\\p{L}\\p{N}(])`,
  ];
  return rules.some((rule) => new RegExp(rule, "u").test(said));
}
