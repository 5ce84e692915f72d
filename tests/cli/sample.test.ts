import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { type SampleFlags, sampleCommand } from "../../src/cli/commands/sample.js";
import { ScriptedChatModel } from "../../src/models/scripted.js";
import { callKey } from "../../src/store/calls.js";
import { Store } from "../../src/store/store.js";
import { learner } from "../support/scripted-run.js";
import { type FinishedWorkspace, finishedWorkspace, stubborn } from "./support.js";

function sample(
  workspace: FinishedWorkspace,
  prompt: string | undefined,
  flags: SampleFlags = {},
  extra: { input?: Readable; model?: ScriptedChatModel } = {},
) {
  const { model = workspace.model, ...rest } = extra;
  const load = async () => ({ model });
  return sampleCommand(prompt, flags, { ...workspace.options, ...rest, load });
}

describe("redistill sample", () => {
  it("asks both exactly what evaluation asks", async () => {
    const workspace = await finishedWorkspace();
    const { options, model, incumbent, output } = workspace;
    const store = Store.openReadOnly(options.workspace.database, "memory/migrations");
    const [task] = store.tasks.ofSplit("sums-1", "gate");
    const [before] = store.rounds.evaluations.of("sums-1", "gate", null);
    const [after] = store.rounds.evaluations.of("sums-1", "gate", incumbent);
    store.close();
    await sample(workspace, task!.prompt);
    // The very request whose answers the run has: nothing in it differs, not even the seed.
    const keys = model.ledger.map(({ request, adapter }) =>
      callKey(request, model.digest, adapter),
    );
    expect(keys).toEqual([before!.callKey, after!.callKey]);
    expect(output.results.at(-1)).toMatchObject({
      kind: "sample",
      answers: [
        { model: "base", text: before!.answer },
        { model: "incumbent", text: after!.answer },
      ],
    });
    expect(output.lines[0]).toBe(`base       ${before!.answer}`);
  });

  it("takes plain text, one side, a temperature and a limit", async () => {
    const workspace = await finishedWorkspace();
    const flags = { adapter: "base", plain: true, temperature: 1, seed: 4, maxTokens: 7 };
    await sample(workspace, "Calculate 1 + 2.", flags);
    const { request, adapter } = workspace.model.ledger.at(-1)!;
    expect(adapter).toBeNull();
    expect(request.messages).toEqual([{ role: "user", content: "Calculate 1 + 2." }]);
    expect(request.sampling).toMatchObject({ temperature: 1, maxTokens: 7 });
  });

  it("reads the standard input as one prompt, or line by line", async () => {
    const workspace = await finishedWorkspace();
    const asked = () => workspace.output.results.map((each) => (each as { prompt: string }).prompt);
    await sample(workspace, undefined, {}, { input: Readable.from(["Calculate 1\n+ 2.\n"]) });
    expect(asked()).toEqual(["Calculate 1\n+ 2."]);
    const input = Readable.from(["Calculate 3 + 4.\nCalculate 5 + 6.\n\nnever\n"]);
    await sample(workspace, undefined, { chat: true }, { input });
    expect(asked().slice(1)).toEqual(["Calculate 3 + 4.", "Calculate 5 + 6."]);
    const nothing = Readable.from([" \n"]);
    await expect(sample(workspace, undefined, {}, { input: nothing })).rejects.toMatchObject({
      kind: "usage",
    });
  });

  it("refuses another model, and an adapter that is not whole", async () => {
    const workspace = await finishedWorkspace();
    const other = new ScriptedChatModel("other", learner);
    await expect(sample(workspace, "x", {}, { model: other })).rejects.toMatchObject({
      kind: "state",
      message: expect.stringContaining("another model"),
    });
    const { options, folder, incumbent } = workspace;
    const store = Store.openReadOnly(options.workspace.database, "memory/migrations");
    writeFileSync(join(folder, store.adapters.find(incumbent!)!.ggufPath!), "cut off");
    store.close();
    await expect(sample(workspace, "x")).rejects.toMatchObject({ kind: "model" });
    await sample(workspace, "Calculate 1 + 2.", { adapter: "base" });
  });

  it("answers with the base weights alone where nothing was promoted", async () => {
    const workspace = await finishedWorkspace(stubborn);
    await sample(workspace, "Calculate 1 + 2.");
    expect(workspace.output.notes[0]).toContain("promoted nothing");
    expect(workspace.output.lines).toHaveLength(1);
    await expect(sample(workspace, "x", { run: "sums-5" })).rejects.toThrow(/no run sums-5/);
  });
});
