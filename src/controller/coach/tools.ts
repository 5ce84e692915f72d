import { z } from "zod";
import type { AgentTool } from "../../core/agent.js";
import { quoted } from "./quoted.js";
import { clusterCalled, clusterLines, figure, roundLine } from "./state.js";
import type { CoachInput } from "./types.js";

/** What a tool tells at most: it has to fit a small model's context beside the question. */
const most = { rounds: 4, clusters: 8, critiques: 3, lessons: 8 };
/** Characters of each text that a model wrote. */
const longestText = 120;

const nothing = z.strictObject({});

/**
 * All that a coach can look at. Each reads what it was given here, and nothing else is within its reach.
 *
 * @param clusterName How it may call a cluster; null leaves out what needs one.
 */
export function coachTools(
  input: CoachInput,
  clusterName: z.ZodType<string> | null = z.string(),
): AgentTool[] {
  const { observation, critiquePrompt } = input;
  return [
    {
      name: "rounds",
      schema: nothing,
      run: () => {
        const recent = observation.rounds.slice(-most.rounds);
        const told = recent.map((round) => roundLine(round, observation.recipe));
        return lines(told, "No round is over.");
      },
    },
    {
      name: "clusters",
      schema: nothing,
      run: () => lines(clusterLines(observation).slice(0, most.clusters), "There are none."),
    },
    ...(clusterName === null ? [] : [critiquesTool(input, clusterName)]),
    ...(critiquePrompt === null
      ? []
      : [{ name: "prompt", schema: nothing, run: () => critiquePrompt }]),
    {
      name: "lessons",
      schema: nothing,
      run: () => {
        const found = observation.lessons.slice(0, most.lessons);
        return lines(
          found.map((lesson) => quoted(lesson, longestText)),
          "Nothing is remembered.",
        );
      },
    },
    {
      name: "budget",
      schema: nothing,
      run: () => {
        const left = Object.entries(observation.budgetLeft);
        const kinds = left.map(([kind, amount]) => `${kind} left: ${figure(amount)}`);
        return lines([...kinds, `rounds left: ${observation.roundsLeft}`], "");
      },
    },
  ];
}

function critiquesTool(
  { observation, critiques }: CoachInput,
  clusterName: z.ZodType<string>,
): AgentTool {
  return {
    name: "critiques",
    schema: z.strictObject({ cluster: clusterName }),
    run: ({ cluster }: { cluster: string }) => {
      const known = clusterCalled(observation, cluster);
      if (known === null) return "There is no such cluster.";
      const own = observation.tasks.filter((task) => task.cluster === known.id);
      const ids = new Set(own.map(({ id }) => id));
      const found = critiques.filter(({ taskId }) => ids.has(taskId)).slice(0, most.critiques);
      return lines(found.map(critiqueText), "Nothing was said of these.");
    },
  };
}

const lines = (found: readonly string[], none: string) => found.join("\n") || none;

function critiqueText({ task, answer, critique }: CoachInput["critiques"][number]): string {
  const [asked, said, found] = [task, answer, critique].map((text) => quoted(text, longestText));
  return `Task ${asked} Wrong answer ${said} Critique ${found}`;
}
