import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createLineSplitter } from "../../src/training/lines.js";
import { behave, fakeTrainer, fakeWorker, isAlive, provided, until } from "./helpers.js";

test("starts with the first request, keeps the process, and ends it on dispose", async () => {
  const worker = await fakeWorker();
  expect(worker.pid).toBeNull();
  const env = ["PYTHONPATH", "HF_HUB_OFFLINE", "TOKENIZERS_PARALLELISM", "PYTHONUNBUFFERED"];
  const first = await worker.request("hello", { env });
  const second = await worker.request("hello", {});
  expect(second.pid).toBe(first.pid);
  expect(first.env).toEqual({
    ...{ PYTHONPATH: fakeTrainer, HF_HUB_OFFLINE: "1" },
    ...{ TOKENIZERS_PARALLELISM: "false", PYTHONUNBUFFERED: "1" },
  });
  await worker.dispose();
  expect(isAlive(first.pid as number)).toBe(false);
  await expect(worker.request("hello", {})).rejects.toThrow(/disposed/);
});

test.each([
  ["crash", /killed by SIGSEGV[\s\S]*about to crash/],
  ["exit", /exit code 3[\s\S]*giving up/],
  ["half-line", /exit code 0/],
])(
  "a worker that ends by %s fails the request, and the next one starts another",
  async (how, message) => {
    const worker = await fakeWorker();
    const failing = behave(worker, how);
    await expect(failing).rejects.toMatchObject({ kind: "training", fault: "crashed" });
    await expect(failing).rejects.toThrow(message);
    expect(await worker.request("hello", {})).toMatchObject({ event: "done" });
  },
);

test("requests under way together all learn of the crash", async () => {
  const worker = await fakeWorker();
  const waiting = behave(worker, "wait");
  const results = await Promise.allSettled([waiting, behave(worker, "crash")]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("a worker without heartbeat is killed, and named", async () => {
  const worker = await fakeWorker({ heartbeatTimeoutMs: 3_000 });
  const pid = (await worker.request("hello", {})).pid as number;
  const failing = behave(worker, "hang");
  await expect(failing).rejects.toMatchObject({ kind: "training", fault: "silent" });
  expect(isAlive(pid)).toBe(false);
  expect((await worker.request("hello", {})).pid).not.toBe(pid);
});

test("garbage goes to the log and disturbs nothing", async () => {
  const worker = await fakeWorker();
  expect(await behave(worker, "garbage")).toMatchObject({ fine: true });
  await worker.dispose();
  const log = await readFile(worker.logFile, "utf8");
  expect(log).toContain("(not an event) not json");
  expect(log).toContain('(of no request) {"event":"done","id":"r999"}');
  expect(log).toContain("(unknown event)");
});

test("reads a line in single bytes and one of 20 MB", async () => {
  const worker = await fakeWorker();
  expect(await behave(worker, "pieces")).toMatchObject({ text: "größer 🎈" });
  expect((await behave(worker, "huge")).text).toHaveLength(20_000_000);
});

test("a line without end is cut off before it fills the memory", async () => {
  const worker = await fakeWorker();
  await expect(behave(worker, "endless")).rejects.toMatchObject({ fault: "protocol" });
});

test("the splitter reports an overlong line once and goes on after it", () => {
  const lines: string[] = [];
  let overflows = 0;
  const feed = createLineSplitter(
    (line) => lines.push(line),
    () => overflows++,
    5,
  );
  for (const piece of ["ab", "c\nd\n\ntoo", " long", " still\nfine\nre", "st"]) {
    feed(Buffer.from(piece));
  }
  expect(lines).toEqual(["abc", "d", "", "fine"]);
  expect(overflows).toBe(1);
});

test("an abort cancels in order", async () => {
  const worker = await fakeWorker({ cancelGraceMs: 10_000 });
  const pid = (await worker.request("hello", {})).pid as number;
  const controller = new AbortController();
  const waiting = behave(worker, "wait", { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ kind: "interrupted" });
  expect(isAlive(pid)).toBe(true);
  await expect(behave(worker, "wait", { signal: controller.signal })).rejects.toMatchObject({
    kind: "interrupted",
  });
});

test.each(["hang", "deaf"])("an abort ends a worker that is %s by force", async (how) => {
  const worker = await fakeWorker();
  const pid = (await worker.request("hello", {})).pid as number;
  const controller = new AbortController();
  const waiting = behave(worker, how, { signal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  await expect(waiting).rejects.toMatchObject({ kind: "interrupted" });
  await until(() => !isAlive(pid));
});

test("dispose interrupts what is under way, even in a worker that does not listen", async () => {
  const worker = await fakeWorker();
  const pid = (await worker.request("hello", {})).pid as number;
  process.kill(pid, "SIGSTOP");
  const waiting = expect(behave(worker, "wait")).rejects.toMatchObject({ kind: "interrupted" });
  await worker.dispose();
  await waiting;
  expect(isAlive(pid)).toBe(false);
});

test("a Python that cannot be started is a setup error", async () => {
  const worker = await fakeWorker({ python: "/nowhere/python" });
  await expect(worker.request("hello", {})).rejects.toMatchObject({
    ...{ kind: "setup", message: expect.stringContaining("/nowhere/python") },
  });
});

test("the worker does not outlive a parent that was killed", async () => {
  const script = `
    const { spawn } = require("node:child_process");
    const child = spawn(${JSON.stringify(provided("REDISTILL_TEST_PYTHON"))}, ["-m", "redistill_trainer"],
      { cwd: ${JSON.stringify(fakeTrainer)}, stdio: ["pipe", "ignore", "ignore"], detached: true,
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" } });
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  expect(isAlive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await until(() => !isAlive(pid));
});

test("what the worker asks in the middle of a request is answered, and a failed answer ends it", async () => {
  const worker = await fakeWorker();
  const prompts = ["ask"];
  const asked: unknown[] = [];
  const done = await worker.request(
    "answer",
    { prompts },
    {
      onAsk: async (event) => {
        asked.push(event.answers);
        return { rewards: [0.5] };
      },
    },
  );
  expect(asked).toEqual([[{ task: "t", answer: "4" }]]);
  expect(done.reply).toMatchObject({ op: "reply", ask: 1, rewards: [0.5] });
  const broken = worker.request(
    "answer",
    { prompts },
    {
      onAsk: () => Promise.reject(new Error("no verifier today")),
    },
  );
  await expect(broken).rejects.toThrow("no verifier today");
  await expect(worker.request("answer", { prompts })).rejects.toThrow(/nobody can answer/);
  expect(await worker.request("hello", {})).toMatchObject({ event: "done" });
});
