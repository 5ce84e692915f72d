import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadRecipe, parseRecipe } from "../../src/recipes/load.js";

const base = "name: small\nrounds: 2\ntasks: {source: orders, train: 10, gate: 10}\n";

const problem = (notify: string) => {
  try {
    parseRecipe(`${base}notify:\n  - ${notify}\n`, "r.yaml");
  } catch (error) {
    return error as { kind: string; message: string; hint: string };
  }
  throw new Error("no error");
};

describe("notify in a recipe", () => {
  it("is off by default, and tells of everything when it is on", () => {
    expect(parseRecipe(base, "r.yaml").notify).toEqual([]);
    const text = `${base}notify: [{kind: ntfy, url: "https://ntfy.sh/topic"}]\n`;
    expect(parseRecipe(text, "r.yaml").notify).toEqual([
      {
        kind: "ntfy",
        url: "https://ntfy.sh/topic",
        events: ["promoted", "rejected", "paused", "failed", "finished"],
        token: null,
        click: null,
      },
    ]);
  });

  it.each([
    ["a token", '{kind: ntfy, url: "https://ntfy.sh/x", token: tk_canary123}'],
    [
      "a token under another key",
      '{kind: webhook, url: "https://h/x", token: {value: tk_canary123}}',
    ],
    ["credentials in the address", '{kind: webhook, url: "https://me:tk_canary123@h/x"}'],
    ["a user in the address", '{kind: webhook, url: "https://tk_canary123@h/x"}'],
    ["a query in the address", '{kind: ntfy, url: "https://h/x?auth=tk_canary123"}'],
    ["credentials in click", '{kind: ntfy, url: "https://h/x", click: "https://a:tk_canary123@h"}'],
    ["another scheme", '{kind: webhook, url: "file:///tk_canary123"}'],
    ["no address", "{kind: webhook, url: tk_canary123}"],
  ])("refuses %s, and does not repeat it", (_what, notify) => {
    const { kind, message, hint } = problem(notify);
    expect(kind).toBe("usage");
    expect(message).toMatch(/^r\.yaml, line 5: notify\.0\.(token|url|click): /);
    expect(`${message}${hint}`).not.toContain("canary");
  });

  it("says what a secret's place looks like", () => {
    const { message } = problem('{kind: ntfy, url: "https://ntfy.sh/x", token: tk_canary123}');
    expect(message).toContain("{ env: NAME } or { file: path }");
  });

  it("names the nearest key and event", () => {
    const { message, hint } = problem('{kind: ntfy, url: "https://ntfy.sh/x", event: [failed]}');
    expect(message).toContain("unknown key notify.0.event");
    expect(hint).toContain("notify.0.events");
    expect(problem('{kind: ntfy, url: "https://h/x", events: [done]}').message).toContain(
      "notify.0.events.0",
    );
  });

  it("takes files relative to the recipe", () => {
    const folder = mkdtempSync(join(tmpdir(), "redistill-"));
    const channel = "{kind: webhook, url: {file: hook}, token: {file: token}}";
    writeFileSync(join(folder, "r.yaml"), `${base}notify: [${channel}]\n`);
    expect(loadRecipe(join(folder, "r.yaml")).notify[0]).toMatchObject({
      url: { file: join(folder, "hook") },
      token: { file: join(folder, "token") },
    });
  });
});
