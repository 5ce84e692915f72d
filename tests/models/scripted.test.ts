import { expect, it } from "vitest";
import { ScriptedChatModel } from "../../src/testing.js";
import { answersOf, chatModelContract, requestOf } from "../contract/chat-model.js";

chatModelContract(
  "the scripted model",
  async () =>
    new ScriptedChatModel(
      "echo",
      ({ messages, sampling }) => `${messages[0]?.content} ${sampling.seed}`,
    ),
  "script",
);

it("refuses a request that its script has no answer to", async () => {
  const model = new ScriptedChatModel("silent", () => undefined as unknown as string);
  await expect(answersOf(model, [requestOf("Anyone?")])).rejects.toThrow("Anyone?");
});
