// How a model judges pairs whose better answer is known: order consistency, biases, agreement.
import { EmbeddedChatModel } from "../src/models/embedded/chat-model.js";
import { judgeItems } from "../src/report/judge.js";
import { judgeFiguresOf } from "../src/stats/index.js";
import { benchmark } from "./support/benchmark.js";
import { judgedBy } from "./support/judging.js";

const about = { name: "judge", defaults: { repetitions: 1, size: 48 }, unit: "pairs" };

await benchmark(about, async ({ size, weights }) => {
  const model = await EmbeddedChatModel.load({
    ...{ modelPath: weights.path, modelSha256: weights.sha256 },
    ...{ contextTokens: 768, sequences: 8, threads: 0 },
  });
  const { rows, completions, asked } = await judgedBy(model, size);
  await model.dispose();
  for (const { text, details } of judgeItems({ judge: [{ round: 1, ...judgeFiguresOf(rows) }] })) {
    console.log([text, ...details].map((line) => `- ${line}`).join("\n"));
  }
  const repaired = rows.preferences.flatMap(({ forward, backward }) => [forward, backward]);
  console.log(
    `- ${asked.length} requests, ${repaired.filter((call) => call.repaired).length} of ${repaired.length} verdicts had to be asked for again`,
  );
  console.log("- the first things it said:");
  for (const { text } of completions.slice(0, 4)) console.log(`    ${JSON.stringify(text)}`);
});
