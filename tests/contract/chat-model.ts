import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CallRequest, Generation, Message } from "../../src/core/entities.js";
import type { ChatModel } from "../../src/core/ports.js";
import { requestOf } from "./request.js";

export { requestOf } from "./request.js";

/** All answers to some requests, in the requests' order. */
export async function answersOf(
  model: ChatModel,
  requests: readonly CallRequest[],
): Promise<Generation[]> {
  const answers: Generation[] = [];
  const counts = new Map<number, number>();
  await model.sample(requests, {
    adapter: null,
    signal: new AbortController().signal,
    onResult: (index, generation) => {
      answers[index] = generation;
      counts.set(index, (counts.get(index) ?? 0) + 1);
    },
  });
  expect([...counts.values()]).toEqual(requests.map(() => 1));
  return answers;
}

/**
 * What every model behind the ChatModel port does.
 *
 * @param writes Whether its answers are sampled token by token; a script's are there at once.
 */
export function chatModelContract(
  name: string,
  open: () => Promise<ChatModel>,
  writes: "tokens" | "script" = "tokens",
): void {
  describe(`${name} as a chat model`, () => {
    let model: ChatModel;
    beforeAll(async () => {
      model = await open();
    });
    afterAll(() => model.dispose());

    it("answers each request once, also none and many", async () => {
      await answersOf(model, []);
      const requests = Array.from({ length: 20 }, (_, i) =>
        requestOf(`Name number ${i}.`, { maxTokens: 4 }),
      );
      expect(await answersOf(model, requests)).toHaveLength(20);
    });

    it("gives the same answer for the same seed, alone or in company, if it says that it does", async () => {
      if (!model.capabilities.deterministic) return;
      const sampled = { temperature: 0.9, maxTokens: 16 };
      const request = requestOf("Tell me about rivers.", { ...sampled, seed: 42 });
      const company = Array.from({ length: 9 }, (_, i) =>
        requestOf(i % 2 ? "Tell me about rivers." : `Say ${i}.`, { ...sampled, seed: i }),
      );
      const [alone] = await answersOf(model, [request]);
      const together = await answersOf(model, [...company, request]);
      expect(together.at(-1)?.text).toBe(alone?.text);
    });

    it("counts tokens", async () => {
      const request = requestOf("Count to three.");
      const [answer] = await answersOf(model, [request]);
      const [length] = await model.countTokens([model.render(request.messages)]);
      expect(answer!.promptTokens).toBe(length);
      expect(answer!.completionTokens).toBeGreaterThan(0);
      expect(answer!.evaluatedPromptTokens).toBeLessThanOrEqual(answer!.promptTokens);
    });

    it("keeps answers and requests together, whatever their lengths", async () => {
      const requests = Array.from({ length: 9 }, (_, i) =>
        requestOf(`Read: ${"one more word ".repeat(((i * 4) % 9) * 8)}`, {
          maxTokens: 2 + (i % 3),
        }),
      );
      const lengths = await model.countTokens(
        requests.map(({ messages }) => model.render(messages)),
      );
      const answers = await answersOf(model, requests);
      expect(answers.map(({ promptTokens }) => promptTokens)).toEqual(lengths);
      expect(new Set(lengths).size).toBe(9);
    });

    if (writes === "tokens") {
      it("says whether it was cut off or had ended", async () => {
        const story = requestOf("Tell me a long story.", { maxTokens: 5 });
        const [cut] = await answersOf(model, [story]);
        expect(cut).toMatchObject({ stopReason: "length", completionTokens: 5 });
        const asked = requestOf("What is the capital of France? One word.", { maxTokens: 64 });
        const [whole] = await answersOf(model, [asked]);
        expect(whole!.stopReason).toBe("end");
        expect(whole!.completionTokens).toBeLessThan(64);
      });

      it("writes something else for another seed", async () => {
        const sampled = { temperature: 1.2, maxTokens: 12 };
        const requests = [1, 2, 3].map((seed) =>
          requestOf("Write of a river.", { ...sampled, seed }),
        );
        const answers = await answersOf(model, requests);
        expect(new Set(answers.map(({ text }) => text)).size).toBeGreaterThan(1);
      });
    }

    it("takes any text: Unicode, braces, its own special tokens", async () => {
      const texts = ["naïve 漢字 🙂 \u0000", "{{task}} {% if %}", "<|im_end|><|im_start|>system"];
      const answers = await answersOf(
        model,
        texts.map((text) => requestOf(text)),
      );
      for (const { text } of answers) expect(typeof text).toBe("string");
    });

    it("stops at once when it is told to", async () => {
      const stop = new AbortController();
      const requests = Array.from({ length: 40 }, (_, i) => requestOf(`Story ${i}`, { seed: i }));
      let answered = 0;
      const work = model.sample(requests, {
        adapter: null,
        signal: stop.signal,
        onResult: () => {
          answered++;
          stop.abort();
        },
      });
      await expect(work).rejects.toThrow();
      expect(answered).toBeLessThan(40);
      const [after] = await answersOf(model, [requestOf("Still there?")]);
      expect(after).toBeDefined();
    });

    it("begins no further request once it is drained, and finishes those that it began", async () => {
      const drain = new AbortController();
      const requests = Array.from({ length: 40 }, (_, i) => requestOf(`Story ${i}`, { seed: i }));
      const answers: Generation[] = [];
      const ask = { adapter: null, signal: new AbortController().signal, drain: drain.signal };
      await model.sample(requests, {
        ...ask,
        onResult: (_index, generation) => {
          answers.push(generation);
          drain.abort();
        },
      });
      expect(answers.length).toBeGreaterThan(0);
      expect(answers.length).toBeLessThan(40);
      await model.sample(requests, { ...ask, onResult: () => expect.fail("began after all") });
    });

    it("renders a conversation so that its parts are found again, in order", () => {
      const messages: Message[] = [
        { role: "system", content: "SYS" },
        { role: "user", content: "ONE" },
        { role: "assistant", content: "TWO" },
        { role: "user", content: "THREE" },
      ];
      const text = model.render(messages);
      const places = ["SYS", "ONE", "TWO", "THREE"].map((part) => text.indexOf(part));
      expect(places.every((place) => place >= 0)).toBe(true);
      expect([...places].sort((a, b) => a - b)).toEqual(places);
    });
  });
}
