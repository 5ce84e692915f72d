import { afterEach, expect, it } from "vitest";
import type { CallRequest } from "../../src/core/entities.js";
import { modelSchema, type ServedSettings } from "../../src/core/model.js";
import type { EndpointIdentity } from "../../src/models/remote/endpoint.js";
import { RemoteModel } from "../../src/models/remote/remote-model.js";
import { spreadEndpoint } from "../../src/models/remote/spread.js";
import { chatModelContract } from "../contract/chat-model.js";
import { requestOf } from "../contract/request.js";
import { HttpEndpoint } from "../support/http-endpoint.js";
import { ModelServer } from "../support/model-server.js";

const script = ({ messages, sampling }: CallRequest) =>
  `answer to ${messages.at(-1)!.content} with ${sampling.seed}`;
const { signal } = new AbortController();
const settings = modelSchema.parse({
  provider: "openai",
  name: "m",
  sequences: 6,
}) as ServedSettings;

const started: ModelServer[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) await server.stop().catch(() => {});
});

async function startServers(count: number): Promise<ModelServer[]> {
  const servers = Array.from({ length: count }, () => new ModelServer(script, 5));
  for (const server of servers) started.push(await server.start());
  return servers;
}

function open(servers: ModelServer[], known: Partial<EndpointIdentity>[] = [], againMs = 60_000) {
  const endpoints = servers.map(({ url }, index) => new HttpEndpoint(url, known[index]));
  const patience = { retryMs: 5, longestRetryMs: 20 };
  return RemoteModel.open(spreadEndpoint(endpoints, againMs), settings, signal, patience);
}

async function ask(model: RemoteModel, count: number): Promise<string[]> {
  const answers: string[] = [];
  const requests = Array.from({ length: count }, (_, n) => requestOf(`q${n}`));
  const onResult = (index: number, { text }: { text: string }) => {
    answers[index] = text.split(" ")[2]!;
  };
  await model.sample(requests, { adapter: null, signal, onResult });
  return answers;
}

const all = (count: number) => Array.from({ length: count }, (_, n) => `q${n}`);

chatModelContract(
  "a model behind three servers",
  async () => {
    const servers = Array.from({ length: 3 }, () => new ModelServer(script));
    for (const server of servers) await server.start();
    const model = await open(servers);
    const dispose = model.dispose.bind(model);
    model.dispose = async () => {
      await dispose();
      for (const server of servers) await server.stop();
    };
    return model;
  },
  "script",
);

it("asks all servers in turn", async () => {
  const servers = await startServers(3);
  expect(await ask(await open(servers), 30)).toEqual(all(30));
  expect(servers.map(({ ledger }) => ledger.length)).toEqual([10, 10, 10]);
});

it("goes on without a server that dies, and with it once it is back", async () => {
  const servers = await startServers(2);
  const [stays, dies] = servers as [ModelServer, ModelServer];
  const model = await open(servers, [], 0);
  await dies.stop();
  expect(await ask(model, 20)).toEqual(all(20));
  expect(stays.ledger.length).toBeGreaterThanOrEqual(20);
  await dies.start();
  const before = dies.ledger.length;
  for (let tries = 0; tries < 50 && dies.ledger.length === before; tries++) await ask(model, 10);
  expect(dies.ledger.length).toBeGreaterThan(before);
});

it("refuses, when it is opened, a server that is absent or has another model", async () => {
  const servers = await startServers(2);
  const [one, other] = servers as [ModelServer, ModelServer];
  other.digest = "b".repeat(64);
  await expect(open(servers)).rejects.toMatchObject({
    ...{ kind: "state", message: expect.stringContaining("not the model that the other servers") },
  });
  await other.stop();
  await expect(open([one, other])).rejects.toMatchObject({ kind: "model" });
});

it("stops the run when a server comes back with other weights", async () => {
  const servers = await startServers(2);
  const [, swapped] = servers as [ModelServer, ModelServer];
  const model = await open(servers);
  swapped.digest = "b".repeat(64);
  swapped.plan = (_, n) => (n === 1 ? "reset" : null);
  await expect(ask(model, 20)).rejects.toMatchObject({ kind: "state" });
});

it("has the room of all of them, and the shortest one's length", async () => {
  const known = [
    { parallel: 4, contextTokens: 4096 },
    { parallel: 2, contextTokens: 2048 },
  ];
  const endpoints = (await startServers(2)).map(
    ({ url }, index) => new HttpEndpoint(url, known[index]),
  );
  expect(await spreadEndpoint(endpoints).identify(signal)).toMatchObject({
    ...{ parallel: 6, contextTokens: 2048, countsExactly: true },
  });
});
