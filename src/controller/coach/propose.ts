import type { AgentJob } from "../../core/agent.js";
import type { Message } from "../../core/entities.js";
import type { Plan } from "../../core/policy.js";
import { renderPrompt } from "../../core/prompt.js";
import { asking, leastAnswer } from "./ask.js";
import { asCoachFault, CoachFault } from "./faults.js";
import { legalForms } from "./legal.js";
import { fallbackPlan, planOf } from "./plan.js";
import { accept, mayTeach, offeredSchema, type Proposal, proposalSchema } from "./proposal.js";
import { stateText } from "./state.js";
import { coachTools } from "./tools.js";
import type { CoachInput, CoachPorts } from "./types.js";

/** How many clusters the question lists; fewer where they would leave no room for what a tool says. */
const clustersShown = [5, 2, 0];
/** Tokens that a tool's answer may take. */
const toolRoom = 160;

/**
 * Lets the coach plan the next round. It looks with tools that read, and ends with a proposal that is taken as a whole or
 * not at all; where it gives none that can be taken, the rules decide and the plan says why (`fallback`).
 *
 * @throws what concerns the run and not the coach: a stop, a budget, closed hours, a full disk.
 */
export async function proposePlan(input: CoachInput, ports: CoachPorts): Promise<Plan> {
  const { observation } = input;
  try {
    const proposal = await withPatience(input, ports, async (signal) =>
      ports.runAgent(await jobOf(input, ports, signal)),
    );
    return planOf(await accept(proposal, observation, ports), observation);
  } catch (error) {
    const fault = ports.signal.aborted ? null : asCoachFault(error);
    if (fault === null) throw error;
    return fallbackPlan(fault, ports.rules(observation), observation);
  }
}

async function jobOf(
  input: CoachInput,
  ports: CoachPorts,
  signal: AbortSignal,
): Promise<AgentJob<Proposal>> {
  const { settings, prompts } = input;
  const asked = await question(input, ports);
  const { observation } = input;
  const legal = ports.held === "grammar" ? legalForms(observation, ports) : null;
  // Who is not held to a schema is told in `accept` what does not count.
  const free = ports.held === "schema" ? offeredSchema(observation, ports) : proposalSchema;
  return {
    system: contentOf(asked, "system"),
    question: contentOf(asked, "user") as string,
    tools: coachTools(input, legal?.cluster),
    outcome: { name: "propose", schema: legal?.proposal ?? free },
    turns: settings.turns,
    ask: asking(input, ports, signal),
    repair: (form) => contentOf(renderPrompt(prompts.repair, { form }), "user") as string,
  };
}

const contentOf = (messages: readonly Message[], role: Message["role"]) =>
  messages.find((message) => message.role === role)?.content ?? null;

async function question(
  { observation, settings, prompts }: CoachInput,
  { tokensOf, contextTokens, lessonObjection, variant }: CoachPorts,
): Promise<Message[]> {
  const may = { teach: mayTeach(observation, lessonObjection), write: variant !== null };
  let asked: Message[] = [];
  for (const shown of clustersShown) {
    const state = stateText(observation, shown, may);
    asked = renderPrompt(prompts.coach, { state, turns: `${settings.turns}` });
    if ((await tokensOf(asked)) + toolRoom + leastAnswer <= contextTokens) break;
  }
  return asked;
}

/** Aborts the work when the coach's time is over; what was under way has ended when this returns. */
async function withPatience<T>(
  { settings }: CoachInput,
  { clock, signal }: CoachPorts,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [over, done] = [new AbortController(), new AbortController()];
  const seconds = settings.patienceSeconds;
  const late = new CoachFault("timed-out", `it had no proposal after ${seconds} seconds`);
  const alarm = clock.sleep(seconds * 1000, done.signal).then(
    () => over.abort(late),
    () => undefined,
  );
  try {
    return await work(AbortSignal.any([signal, over.signal]));
  } catch (error) {
    throw over.signal.aborted && !signal.aborted ? late : error;
  } finally {
    done.abort();
    await alarm;
  }
}
