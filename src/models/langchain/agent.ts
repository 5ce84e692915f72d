import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { createAgent, tool, toolStrategy } from "langchain";
import type { AgentJob, RunAgent } from "../../core/agent.js";
import { jsonSchemaOf } from "./action.js";
import { TurnModel } from "./turn-model.js";

/** `RunAgent` by LangChain's `createAgent`: its loop calls tools and ends with the structured outcome. */
export const runAgent: RunAgent = async <T>(job: AgentJob<T>): Promise<T> => {
  const { system, question, tools, outcome, turns } = job;
  const model = new TurnModel(job);
  // Without a title its tool would be numbered by what this process did before.
  const schema = { type: "object" as const, ...jsonSchemaOf(outcome.schema), title: outcome.name };
  const agent = createAgent({
    model,
    ...(system === null ? {} : { systemPrompt: system }),
    tools: tools.map(({ name, schema: given, run }) =>
      tool((args) => run(args as never), { name, schema: given }),
    ),
    responseFormat: toolStrategy(schema, { handleError: false }),
  });
  try {
    const { structuredResponse } = await agent.invoke(
      { messages: [{ role: "user", content: question }] },
      // A turn is two steps, model and tools; how many there are is the job's affair.
      { recursionLimit: 2 * turns + 2, callbacks: [new NoTracer()] },
    );
    return outcome.schema.parse(structuredResponse);
  } catch (error) {
    throw model.failure ?? error;
  }
};

/**
 * Takes the place of LangChain's tracer, which would send all that an agent reads to a server where a variable of
 * the environment asks for it.
 */
class NoTracer extends BaseCallbackHandler {
  override readonly name = "langchain_tracer";

  getRunTreeWithTracingConfig(): undefined {}
}
