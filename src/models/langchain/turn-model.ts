import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage, ToolMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import { AgentFault, type AgentJob } from "../../core/agent.js";
import type { Message } from "../../core/entities.js";
import {
  type Action,
  actionForm,
  actionSchema,
  type Callable,
  exactActionSchema,
  readAction,
} from "./action.js";

/** Characters of an unreadable answer that are shown when it is asked for again. */
const mostQuoted = 200;

/**
 * An agent's model as LangChain's agents want one: calls of tools are read from JSON answers, so that any
 * model can make them, and each answer comes by `AgentJob.ask`. In the last turn only the outcome is taken.
 */
export class TurnModel extends BaseChatModel {
  /** What `ask` or reading threw: an agent may wrap what its model throws. */
  failure: unknown = null;
  private turn = 0;
  private readonly called = new Set<string>();

  constructor(private readonly job: AgentJob<unknown>) {
    super({});
  }

  override _llmType(): string {
    return "redistill-turns";
  }

  /** They are those of the job, and their schemas go with each question. */
  override bindTools(): this {
    return this;
  }

  override async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    try {
      const { text, action } = await this.next(conversation(messages, this.job.turns));
      const call = { ...action, id: `turn-${this.turn}`, type: "tool_call" as const };
      return {
        generations: [{ text, message: new AIMessage({ content: text, tool_calls: [call] }) }],
      };
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  private async next(
    messages: readonly Message[],
  ): Promise<{ readonly text: string; readonly action: Action }> {
    const { tools, outcome, turns, ask, repair } = this.job;
    this.turn++;
    const callables = this.turn < turns ? [...tools, outcome] : [outcome];
    const schema = actionSchema(callables);
    const exactSchema = exactActionSchema(callables.filter((each) => !this.isKnown(each)));
    let asked = messages;
    let why = "";
    for (const again of [false, true]) {
      const { text, complete } = await ask({
        ...{ turn: this.turn, again, messages: asked },
        ...{ schema, exactSchema },
      });
      const action = complete ? readAction(text, callables) : "it was cut off";
      if (typeof action !== "string") {
        this.called.add(action.name);
        return { text, action };
      }
      why = action;
      // Some servers refuse a message without content.
      const said: Message = { role: "assistant", content: text.trim().slice(0, mostQuoted) || "–" };
      asked = [...messages, said, { role: "user", content: repair(actionForm(callables)) }];
    }
    throw new AgentFault(`turn ${this.turn}, asked twice: ${why}`);
  }

  /** A tool without arguments says the same again; small models ask for nothing else. */
  private isKnown({ name, schema }: Callable): boolean {
    return this.called.has(name) && schema.safeParse({}).success;
  }
}

/** LangChain's messages as those of a plain chat; what a tool said comes as the user's. */
function conversation(messages: readonly BaseMessage[], turns: number): Message[] {
  let used = 0;
  return messages.map((message): Message => {
    const content = message.text;
    if (ToolMessage.isInstance(message)) {
      used++;
      const left = `Turns left: ${turns - used}`;
      return { role: "user", content: `${message.name}:\n${content}\n\n${left}` };
    }
    if (AIMessage.isInstance(message)) return { role: "assistant", content };
    return { role: message.type === "system" ? "system" : "user", content };
  });
}
