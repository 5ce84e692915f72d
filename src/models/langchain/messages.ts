import { AIMessage, type BaseMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import type { Message } from "../../core/entities.js";

const classes = { system: SystemMessage, user: HumanMessage, assistant: AIMessage };

/** A conversation as LangChain's models take it. */
export function toLangChain(messages: readonly Message[]): BaseMessage[] {
  return messages.map(({ role, content }) => new classes[role](content));
}

/** A conversation as text, for a server whose template nobody knows. */
export function roleByRole(messages: readonly Message[]): string {
  return messages.map(({ role, content }) => `${role}: ${content}\n`).join("");
}
