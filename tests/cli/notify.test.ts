import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { notifyTestCommand } from "../../src/cli/commands/notify.js";
import { startReceiver } from "../support/receiver.js";
import { recordingOutput, temporaryFolder } from "./support.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  while (cleanups.length > 0) await cleanups.pop()?.();
});

function recipeWith(...notify: string[]): string {
  const path = join(temporaryFolder(), "recipe.yaml");
  const base = "name: small\nrounds: 2\ntasks: {source: orders, train: 10, gate: 10}\n";
  writeFileSync(path, `${base}notify: [${notify.join(", ")}]\n`);
  return path;
}

const options = () => ({ output: recordingOutput(), signal: new AbortController().signal });

describe("redistill notify test", () => {
  it("sends one message to each channel with its secret, and says what came of it", async () => {
    const receiver = await startReceiver([200]);
    cleanups.push(() => receiver.close());
    const folder = temporaryFolder();
    const secretAddress = join(folder, "hook");
    writeFileSync(secretAddress, `${receiver.url}/services/canary-path?key=canary-query\n`);
    chmodSync(secretAddress, 0o600);
    vi.stubEnv("NOTIFY_TEST_TOKEN", "tk_canary-token");
    const recipe = recipeWith(
      `{kind: ntfy, url: "${receiver.url}/topic", token: {env: NOTIFY_TEST_TOKEN}}`,
      `{kind: webhook, url: {file: ${secretAddress}}}`,
    );
    const shared = options();
    await notifyTestCommand(recipe, shared);
    const paths = receiver.received.map(({ path }) => path).sort();
    expect(paths).toEqual(["/services/canary-path?key=canary-query", "/topic"]);
    const ntfy = receiver.received.find(({ path }) => path === "/topic");
    expect(ntfy!.headers.authorization).toBe("Bearer tk_canary-token");
    expect(shared.output.lines).toEqual([
      `ntfy at ${receiver.host}: delivered (HTTP 200)`,
      `webhook at ${receiver.host}: delivered (HTTP 200)`,
    ]);
    expect(JSON.stringify(shared.output)).not.toContain("canary");
  });

  it("ends with an error where one did not arrive", async () => {
    const good = await startReceiver([200]);
    const bad = await startReceiver([403]);
    cleanups.push(
      () => good.close(),
      () => bad.close(),
    );
    const shared = options();
    const recipe = recipeWith(
      `{kind: ntfy, url: "${good.url}/topic"}`,
      `{kind: webhook, url: "${bad.url}"}`,
    );
    await expect(notifyTestCommand(recipe, shared)).rejects.toMatchObject({
      kind: "setup",
      message: "1 of 2 test messages did not arrive",
    });
    expect(shared.output.lines).toEqual([
      `ntfy at ${good.host}: delivered (HTTP 200)`,
      `webhook at ${bad.host}: HTTP 403`,
    ]);
  });

  it("refuses before anything is sent: a missing variable, a recipe without notify", async () => {
    const receiver = await startReceiver([200]);
    cleanups.push(() => receiver.close());
    const recipe = recipeWith(
      `{kind: ntfy, url: "${receiver.url}/topic"}`,
      `{kind: ntfy, url: "${receiver.url}/topic", token: {env: NOTIFY_TEST_ABSENT}}`,
    );
    await expect(notifyTestCommand(recipe, options())).rejects.toMatchObject({
      kind: "usage",
      message: expect.stringContaining("NOTIFY_TEST_ABSENT is not set"),
    });
    expect(receiver.received).toEqual([]);
    await expect(notifyTestCommand(recipeWith(), options())).rejects.toThrow(/notifies nobody/);
  });
});
