import { describe, expect, it } from "vitest";
import type { Message } from "../../../src/core/entities.js";
import { goTemplate } from "../../../src/models/ollama/go-template.js";
import { ServerTemplate } from "../../../src/models/ollama/server-template.js";

const turns = (messages: readonly Message[]) =>
  `${messages.map(({ role, content }) => `<|${role}|>\n${content}<|end|>\n`).join("")}<|assistant|>\n`;
/** Puts a system prompt of its own where there is none, as SmolLM2's does. */
const withDefault = (messages: readonly Message[]) =>
  (messages[0]?.role === "system" ? "" : "<|system|>\nI am small.<|end|>\n") + turns(messages);
const learn = (render: (messages: readonly Message[]) => string | null) =>
  ServerTemplate.learn(async (messages) => render(messages));

const messages: Message[] = [
  { role: "user", content: "a" },
  { role: "assistant", content: "" },
  { role: "user", content: "Zq0qZ {{ .Content }}" },
];

describe("a server's template", () => {
  it("is learned from a few conversations, with a system prompt of its own", async () => {
    for (const render of [turns, withDefault]) {
      const template = await learn(render);
      expect(template).toBeInstanceOf(ServerTemplate);
      for (const each of [messages, messages.slice(2)]) {
        expect((template as ServerTemplate).render(each)).toBe(render(each));
      }
    }
  });

  it("is not taken for learned where messages are not all written alike", async () => {
    const lastIsSpecial = (all: readonly Message[]) =>
      turns(all.slice(0, -1)) + turns(all.slice(-1));
    const countsThem = (all: readonly Message[]) => `${all.length} ${turns(all)}`;
    const lowerCase = (all: readonly Message[]) => turns(all).toLowerCase();
    const trims = (all: readonly Message[]) => turns(all).replaceAll("\n\n", "\n");
    const cutsThree = (all: readonly Message[]) => turns(all.slice(-4));
    for (const render of [countsThem, lowerCase, trims, cutsThree]) {
      expect(await learn(render)).toBe("other");
    }
    expect(await learn(lastIsSpecial)).toBe("other");
    expect(await learn(() => null)).toBeNull();
  });

  it("says which joint it does not know, in place of writing a wrong prompt", async () => {
    const template = (await learn(turns)) as ServerTemplate;
    const twice: Message[] = [messages[0]!, messages[0]!];
    expect(() => template.render(twice)).toThrow("not learned for user before user");
  });

  it("becomes one in Go's language with every literal quoted", async () => {
    const template = (await learn(withDefault)) as ServerTemplate;
    const text = goTemplate(template.joints);
    expect(text).toContain('{{ "<|system|>\\nI am small.<|end|>\\n<|user|>\\n" }}');
    expect(text).toContain("{{- range .Messages }}");
    // Nothing of the joints stands outside of actions, where white space would be at risk.
    expect(text.replaceAll(/\{\{.*?\}\}/gs, "")).toBe("");
  });
});
