import { z } from "zod";
import type { Task, Verdict } from "../../src/core/entities.js";
import { RedistillError } from "../../src/core/errors.js";
import type { Verify } from "../../src/core/ports.js";
import type { TaskSets } from "../../src/stages/types.js";
import { wilsonInterval } from "../../src/stats/index.js";

const outputShape = z.object({
  answers: z.object({ heldOut: z.array(z.string()), retention: z.array(z.string()) }),
  tokensSampled: z.number(),
  tokensTrained: z.number(),
  /** By phase; `answer` is no learning. */
  seconds: z.record(z.string(), z.number()),
  versions: z.record(z.string(), z.string()),
  more: z.record(z.string(), z.unknown()),
});

/** What bench/peers/*.py write. */
export type PeerOutput = z.infer<typeof outputShape>;

/** @throws RedistillError `internal` when the file is of another form. */
export function readOutput(text: string, name: string): PeerOutput {
  const parsed = outputShape.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new RedistillError(
    "internal",
    `${name} wrote something else than expected: ${z.prettifyError(parsed.error)}`,
    "Compare its write_output with bench/support/peer-rows.ts.",
  );
}

export const peerHead = [
  "peer",
  "gate",
  "sealed",
  "retention",
  "tokens sampled",
  "tokens trained",
  "minutes of learning",
];

/**
 * One row of the table: right answers of all with Wilson's 95% interval, by the product's verifiers.
 *
 * @throws RedistillError `internal` when there are not as many answers as tasks.
 */
export async function peerRow(
  name: string,
  output: PeerOutput,
  tasks: Pick<TaskSets, "gate" | "sealed" | "retention">,
  verify: Verify,
): Promise<{ cells: string[]; verdicts: Verdict[] }> {
  const asked = [...tasks.gate, ...tasks.sealed, ...tasks.retention];
  const answers = [...output.answers.heldOut, ...output.answers.retention];
  if (answers.length !== asked.length) {
    throw new RedistillError(
      "internal",
      `${name} gave ${answers.length} answers to ${asked.length} tasks`,
      "Look into its log.",
    );
  }
  const items = asked.map((task, i) => ({ task, answer: answers[i]!.trim() }));
  const verdicts = await verify(items);
  const right = new Map(asked.map((task, i) => [task.id, verdicts[i]!.outcome === "ok"]));
  const learning = Object.entries(output.seconds)
    .filter(([phase]) => phase !== "answer")
    .reduce((sum, [, seconds]) => sum + seconds, 0);
  const cells = [
    name,
    ...[tasks.gate, tasks.sealed, tasks.retention].map((suite) => share(suite, right)),
    ...[output.tokensSampled, output.tokensTrained].map(String),
    (learning / 60).toFixed(1),
  ];
  return { cells, verdicts };
}

function share(suite: readonly Task[], right: ReadonlyMap<string, boolean>): string {
  if (suite.length === 0) return "";
  const count = suite.filter(({ id }) => right.get(id)).length;
  const { low, high } = wilsonInterval(count, suite.length);
  const percent = (value: number) => (100 * value).toFixed(1);
  return `${count}/${suite.length} (${percent(low)}–${percent(high)}%)`;
}
