// Generation throughput of the embedded engine, by sequences, with and without shared prefixes.
import type { CallRequest, Generation } from "../src/core/entities.js";
import { EmbeddedChatModel } from "../src/models/embedded/chat-model.js";
import {
  benchmark,
  interleaved,
  median,
  printTable,
  ratio,
  type Surroundings,
  spread,
} from "./support/benchmark.js";
import { teacherRequests } from "./support/quickstart.js";

interface Setting {
  readonly sequences: number;
  readonly sharePrefixes: boolean;
}

interface Figures {
  readonly seconds: number;
  readonly generated: number;
  readonly evaluated: number;
  readonly prompts: number;
}

const settings: readonly Setting[] = [1, 8, 16, 32].flatMap((sequences) =>
  [true, false].map((sharePrefixes) => ({ sequences, sharePrefixes })),
);

/** One measurement in an engine of its own: loading and a first answer are not timed. */
async function measure(
  setting: Setting,
  requests: readonly CallRequest[],
  { weights, signal }: Surroundings,
): Promise<Figures> {
  const model = await EmbeddedChatModel.load({
    ...setting,
    modelPath: weights.path,
    modelSha256: weights.sha256,
    contextTokens: 768,
    threads: 0,
  });
  try {
    // The longest prompt first, so that the context that it opens fits all of them.
    const lengths = await model.countTokens(requests.map(({ messages }) => model.render(messages)));
    const longest = requests[lengths.indexOf(Math.max(...lengths))] as CallRequest;
    await model.sample([longest], { adapter: null, signal, onResult: () => {} });
    const answers: Generation[] = [];
    const startedAt = performance.now();
    await model.sample(requests, {
      adapter: null,
      signal,
      onResult: (_index, generation) => answers.push(generation),
    });
    const seconds = (performance.now() - startedAt) / 1000;
    const sum = (of: (answer: Generation) => number) =>
      answers.reduce((total, answer) => total + of(answer), 0);
    return {
      seconds,
      generated: sum(({ completionTokens }) => completionTokens),
      evaluated: sum(({ evaluatedPromptTokens }) => evaluatedPromptTokens),
      prompts: sum(({ promptTokens }) => promptTokens),
    };
  } finally {
    await model.dispose();
  }
}

await benchmark(
  {
    name: "engine",
    defaults: { repetitions: 5, size: 16 },
    unit: "prompts with 4 exemplars, 4 samples of at most 28 tokens each",
  },
  async (surroundings) => {
    const requests = await teacherRequests(surroundings.size);
    const measured = await interleaved(settings, surroundings, (setting) =>
      measure(setting, requests, surroundings),
    );
    const speeds = (results: readonly Figures[]) =>
      results.map(({ generated, seconds }) => generated / seconds);
    const of = (sequences: number, sharePrefixes: boolean) =>
      measured.find(
        ({ item }) => item.sequences === sequences && item.sharePrefixes === sharePrefixes,
      )?.results ?? [];
    console.log("\nThree figures are minimum / median / maximum; ratios are of medians.");
    printTable(
      [
        "sequences",
        "prefixes",
        "generated tokens/s",
        "seconds",
        "generated tokens",
        "prompt tokens evaluated",
        "of",
        "speed to 1 sequence",
        "speed to not shared",
      ],
      measured.map(({ item, results }) => [
        `${item.sequences}`,
        item.sharePrefixes ? "shared" : "not shared",
        spread(speeds(results)),
        spread(results.map(({ seconds }) => seconds)),
        median(results.map(({ generated }) => generated)).toFixed(0),
        median(results.map(({ evaluated }) => evaluated)).toFixed(0),
        median(results.map(({ prompts }) => prompts)).toFixed(0),
        ratio(speeds(results), speeds(of(1, item.sharePrefixes))),
        ratio(speeds(results), speeds(of(item.sequences, false))),
      ]),
    );
  },
);
