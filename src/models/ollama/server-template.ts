import type { Message } from "../../core/entities.js";

/** Has the server render a conversation; null where it does not do that. */
export type RenderOnServer = (messages: readonly Message[]) => Promise<string | null>;

/** What a template writes between two messages: `start>user`, `user>assistant`, `user>end`, … */
export type Joints = ReadonlyMap<string, string>;

const mark = (place: number) => `Zq${place}qZ`;
const conversation = (...roles: Message["role"][]): Message[] =>
  roles.map((role, place) => ({ role, content: mark(place) }));

/** Together they have every joint that the loop's conversations have. */
const lessons = [
  conversation("user"),
  conversation("system", "user"),
  conversation("user", "assistant", "user"),
  conversation("system", "user", "assistant", "user"),
];
/** A longer one, which has to come out as the joints say. */
const exam: Message[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "{{ .One }} <b>1</b>" },
  { role: "assistant", content: "Two\n\nlines" },
  { role: "user", content: "Three" },
  { role: "assistant", content: "Four" },
  { role: "user", content: "Five?" },
];

/**
 * A server's template, learned from what it makes of a few conversations: Ollama writes prompts with
 * templates in Go's language, some of them built in, and what is trained has to be the prompt that it
 * really reads. Good for templates that write every message in the same way, whatever its place.
 */
export class ServerTemplate {
  private constructor(readonly joints: Joints) {}

  /** @returns `null` where the server renders nothing; `"other"` for a template that is not of this kind. */
  static async learn(render: RenderOnServer): Promise<ServerTemplate | "other" | null> {
    const joints = new Map<string, string>();
    for (const messages of lessons) {
      const text = await render(messages);
      if (text === null) return null;
      for (const [joint, between] of jointsOf(messages, text) ?? [["", null]]) {
        if (between === null || (joints.get(joint) ?? between) !== between) return "other";
        joints.set(joint, between);
      }
    }
    const template = new ServerTemplate(joints);
    return template.render(exam) === (await render(exam)) ? template : "other";
  }

  render(messages: readonly Message[]): string {
    const roles = ["start", ...messages.map(({ role }) => role), "end"];
    const contents = ["", ...messages.map(({ content }) => content)];
    return contents
      .map((content, place) => content + this.between(roles[place]!, roles[place + 1]!))
      .join("");
  }

  /** Two messages of one role in a row, or an answer at the end, are in no lesson. */
  private between(before: string, after: string): string {
    const known = this.joints.get(`${before}>${after}`);
    if (known !== undefined) return known;
    throw new Error(`the server's template was not learned for ${before} before ${after}`);
  }
}

/** What stands between the marks of a rendered conversation; null where they are not in order. */
function jointsOf(messages: readonly Message[], text: string): [string, string][] | null {
  const joints: [string, string][] = [];
  let before = "start";
  let from = 0;
  for (const { role, content } of messages) {
    const at = text.indexOf(content, from);
    if (at < 0) return null;
    joints.push([`${before}>${role}`, text.slice(from, at)]);
    before = role;
    from = at + content.length;
  }
  joints.push([`${before}>end`, text.slice(from)]);
  return joints;
}
