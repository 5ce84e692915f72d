import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCandidate, verifiedAdapter } from "../../src/cli/adapters.js";
import { migrationsDirectory } from "../../src/cli/paths.js";
import { workOn } from "../../src/controller/run.js";
import { eachRole } from "../../src/core/model.js";
import type { AdapterRow } from "../../src/core/round.js";
import { Store } from "../../src/store/store.js";
import { finishedWorkspace } from "../cli/support.js";

const damages = {
  truncated: (path: string) => truncateSync(path, 10),
  longer: (path: string) => appendFileSync(path, "more"),
  emptied: (path: string) => truncateSync(path, 0),
  "changed in one byte": (path: string) => {
    const bytes = readFileSync(path);
    bytes[5]! ^= 1;
    writeFileSync(path, bytes);
  },
  gone: (path: string) => rmSync(path),
};

async function incumbentOf() {
  const { options, incumbent, folder } = await finishedWorkspace();
  const store = Store.open(options.workspace.database, migrationsDirectory);
  const row = store.adapters.find(incumbent!) as AdapterRow;
  return { options, store, row, gguf: join(folder, row.ggufPath!) };
}

describe("an adapter's file", () => {
  it.each(Object.entries(damages))(
    "that is %s is refused, named, before it is used",
    async (how, damage) => {
      const { options, store, row, gguf } = await incumbentOf();
      expect((await verifiedAdapter(row, options.workspace)).sha256).toBe(row.sha256);
      damage(gguf);
      const refused = verifiedAdapter(row, options.workspace);
      await expect(refused).rejects.toMatchObject({ kind: "model" });
      await expect(refused).rejects.toThrow(
        how === "gone" ? /cannot be read/ : /not the adapter that was trained/,
      );
      store.close();
    },
  );

  it("that is damaged stops the run that would evaluate it, and asks the model nothing", async () => {
    const { options, store, row, gguf } = await incumbentOf();
    const before = readFileSync(gguf);
    truncateSync(gguf, 10);
    // The run as it was before its second round was begun: the incumbent is next to be opened.
    store.transaction(() => store.runs.release("sums-1", "interrupted", null));
    store.transaction(() => store.rounds.begin("sums-1", 3, row.sha256));
    const asked: unknown[] = [];
    const never = () => Promise.reject(new Error("not to be reached"));
    const working = workOn({
      ...{ store, runId: "sums-1", workspace: options.workspace.root, signal: options.signal },
      ...{ tasks: { train: [], replay: [], gate: [], sealed: [], retention: [] } },
      ...{ prompts: { student: {} } as never, critiques: () => new Map(), coach: null },
      models: eachRole(
        () => ({ digest: "d", sample: (...all: unknown[]) => asked.push(all) }) as never,
      ),
      ...{ train: never, remember: never, verify: never, observe: () => {} },
      openAdapter: (adapter) => openCandidate(adapter, options.workspace),
    });
    await expect(working).rejects.toThrow(/not the adapter that was trained/);
    expect(asked).toEqual([]);
    expect(store.runs.find("sums-1")).toMatchObject({ state: "failed" });
    // Put back, it is taken again.
    writeFileSync(gguf, before);
    expect(existsSync((await verifiedAdapter(row, options.workspace)).ggufPath)).toBe(true);
    store.close();
  });
});
