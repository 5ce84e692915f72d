import type { Example } from "../core/entities.js";
import { seedFor, stableId } from "../core/hash.js";
import { shuffled } from "../core/random.js";
import type { Refusal } from "../core/round.js";
import { nearDuplicates } from "../core/similarity.js";
import { diverseFirst, shortestFirst } from "./support/choose.js";
import { gather } from "./support/lessons/index.js";
import { greedy, requestFor } from "./support/requests.js";
import type { StageInput, StageOutput, StagePorts } from "./types.js";

/**
 * The training set: right answers, deduplicated, a few for each task so that easy tasks do not
 * crowd out hard ones, none whose task resembles a held-out one; then rehearsal of what the base
 * model says to general prompts.
 */
export async function curate(input: StageInput, ports: StagePorts): Promise<StageOutput> {
  const { recipe } = input;
  const { kept: fresh, refusals } = gather(input);
  const earlier = recipe.curate.carryOver
    ? input.earlierExamples.filter(({ source }) => source !== "replay")
    : [];
  const pool = refuseHeldOut(input, [...earlier, ...fresh], refusals);
  const balanced = shares(pool).flatMap((examples) => chooseFor(input, examples, refusals));
  const limit = recipe.curate.maximum || balanced.length;
  // The newest when there are too many: they come from the better teacher.
  const chosen = balanced
    .sort((a, b) => b.originRound - a.originRound)
    .slice(0, limit)
    .sort((a, b) => a.originRound - b.originRound);
  for (const left of balanced.slice(limit)) refusals.push(refusal(left, "over curate.maximum"));
  const replay = await rehearse(input, ports, chosen.length);
  const examples = [...chosen, ...replay];
  return {
    rows: { examples, refusals },
    summary: {
      examples: chosen.length,
      "from attempts": chosen.filter(({ source }) => source === "attempt").length,
      "from revisions": chosen.filter(({ source }) => source === "revision").length,
      "carried over": chosen.filter(({ originRound }) => originRound < input.round).length,
      rehearsal: replay.length,
      refused: refusals.length,
    },
  };
}

function refusal(example: Example, reason: string): Refusal {
  return { sourceId: example.sourceId, taskId: example.taskId, reason };
}

/** Refuses examples whose task is (nearly) one that a suite holds. */
function refuseHeldOut(
  { recipe, tasks }: StageInput,
  examples: readonly Example[],
  refusals: Refusal[],
): Example[] {
  const prompts = new Map(tasks.train.map((task) => [task.id, task.prompt]));
  const held = [...tasks.gate, ...tasks.sealed, ...tasks.retention];
  const used = [...new Set(examples.map(({ taskId }) => taskId))];
  const pairs = nearDuplicates(
    held.map((task) => ({ id: task.id, text: task.prompt })),
    used.map((id) => ({ id, text: prompts.get(id) as string })),
    recipe.curate.nearDuplicate,
  );
  // Most similar first, and the last of a key stays in a map.
  const heldOutTwin = new Map(pairs.toReversed().map((pair) => [pair.trainId, pair.heldOutId]));
  return examples.filter((example) => {
    const twin = heldOutTwin.get(example.taskId);
    if (twin !== undefined) {
      refusals.push(refusal(example, `its task resembles held-out task ${twin}`));
    }
    return twin === undefined;
  });
}

/** The examples of each task by what is learned from them: wrong answers do not take the place of right ones. */
function shares(examples: readonly Example[]): Example[][] {
  const groups = new Map<string, Example[]>();
  for (const example of examples) {
    const { taskId, lesson } = example;
    const wrong = lesson?.kind === "label" && !lesson.right;
    const key = `${taskId} ${lesson?.kind ?? ""} ${wrong ? "wrong" : ""}`;
    groups.set(key, [...(groups.get(key) ?? []), example]);
  }
  return [...groups.values()];
}

/** One task's share: distinct answers, at most perTask of them, in the recipe's order. */
function chooseFor(
  { recipe }: StageInput,
  examples: readonly Example[],
  refusals: Refusal[],
): Example[] {
  const seen = new Set<string>();
  const distinct = examples.filter((example) => {
    const text = example.completion.normalize("NFC").replace(/\s+/g, " ").trim();
    if (seen.has(text)) refusals.push(refusal(example, "the same answer again"));
    return !seen.has(text) && seen.add(text);
  });
  const ordered =
    recipe.curate.order === "shortest" ? shortestFirst(distinct) : diverseFirst(distinct);
  for (const left of ordered.slice(recipe.curate.perTask)) {
    refusals.push(refusal(left, "the task has enough answers"));
  }
  return ordered.slice(0, recipe.curate.perTask);
}

/**
 * Rehearsal (self-synthesised, after Huang et al. 2024): the base weights' own greedy answers to
 * general prompts, so that learning one task costs less of everything else.
 */
async function rehearse(
  { recipe, tasks }: StageInput,
  ports: StagePorts,
  examples: number,
): Promise<Example[]> {
  const settings = recipe.curate.replay;
  if (settings === null) return [];
  const count = Math.min(tasks.replay.length, Math.round(examples * settings.ratio));
  const prompts = shuffled(tasks.replay, seedFor(recipe.seed, "replay")).slice(0, count);
  const messages = prompts.map(({ prompt }) => [{ role: "user" as const, content: prompt }]);
  const completions = await ports.complete(
    messages.map((m) => requestFor(m, greedy(settings.maxTokens), "replay")),
    null,
  );
  return prompts.flatMap(({ id }, position): Example[] => {
    const { text, stopReason } = completions[position]!;
    if (stopReason === "length" || text.trim() === "") return [];
    return [
      {
        id: stableId("example", "replay", id),
        taskId: id,
        source: "replay",
        sourceId: id,
        originRound: 0,
        messages: messages[position]!,
        completion: text.trim(),
      },
    ];
  });
}
