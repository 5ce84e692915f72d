import type { RunAgent } from "../../src/core/agent.js";

/** The real one, loaded when it is asked for: LangChain is four hundred modules, and most runs have no coach. */
export const runAgent: RunAgent = async (job) => {
  const agent = await import("../../src/models/langchain/agent.js");
  return agent.runAgent(job);
};
