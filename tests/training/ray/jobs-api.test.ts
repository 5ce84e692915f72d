import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createRayJobs, type RayJobs } from "../../../src/training/ray/jobs-api.js";
import { startReceiver } from "../../support/receiver.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.();
});

const { signal } = new AbortController();

function jobsAt(address: string): RayJobs {
  const jobs = createRayJobs({ address, token: null, timeoutMs: 300 });
  cleanups.push(() => jobs.close());
  return jobs;
}

async function answering(...answers: Parameters<typeof startReceiver>[0]): Promise<RayJobs> {
  const receiver = await startReceiver(answers);
  cleanups.push(() => receiver.close());
  return jobsAt(`${receiver.url}/prefix/`);
}

test.each([
  ["hang", "no answer for 0.3 s"],
  ["reset", "other side closed"],
  [500, "HTTP 500"],
  [429, "HTTP 429"],
  [404, "HTTP 404"],
  [
    { status: 503, body: "Traceback\n  at x\nValueError: \u001b[31mno agent" },
    "ValueError: [31mno agent",
  ],
] as const)("%j may pass: the head is away", async (answer, told) => {
  const jobs = await answering(answer);
  await expect(jobs.find("x", signal)).rejects.toMatchObject({
    ...{ name: "RayAway", message: expect.stringContaining(told) },
  });
});

test("nobody at the address is a head that is away", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const jobs = jobsAt(`http://127.0.0.1:${port}`);
  await expect(jobs.find("x", signal)).rejects.toMatchObject({
    ...{ name: "RayAway", message: "connection refused" },
  });
});

test.each([
  { status: 200, body: "<html>" },
  { status: 200, body: '{"status":"SLEEPING"}' },
  { status: 302, headers: { location: "/elsewhere" } },
])("%j is no answer of a Ray dashboard", async (answer) => {
  const jobs = await answering(answer);
  const error = await jobs.find("x", signal).catch((error) => error);
  expect(error.kind ?? error.name).toMatch(/^(setup|RayAway)$/);
});

test("asks below the address's own path, and knows an unknown job from an unknown page", async () => {
  const receiver = await startReceiver([{ status: 404, body: "Job a/b does not exist" }]);
  cleanups.push(() => receiver.close());
  expect(await jobsAt(`${receiver.url}/prefix/`).find("a/b", signal)).toBeNull();
  expect(receiver.received[0]?.path).toBe("/prefix/api/jobs/a%2Fb");
});
