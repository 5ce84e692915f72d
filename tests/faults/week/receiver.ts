import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Takes notifications; from when it is told to, it refuses most of them in different ways. */
export async function failingReceiver(random: () => number) {
  const counts = new Map<string, number>();
  let failing = false;
  const server = createServer((request, response) => {
    request.resume();
    const way = failing ? Math.floor(random() * 4) : 0;
    if (way === 0) return void response.end("ok");
    const kind = ["", "receiver answers 500", "receiver breaks off", "receiver is busy"][way] ?? "";
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if (way === 1) response.writeHead(500).end();
    if (way === 2) request.socket.destroy();
    if (way === 3) response.writeHead(429, { "retry-after": "60" }).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/`,
    fail: () => {
      failing = true;
    },
    fired: () => counts,
    failures: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
    close: () => server.close(),
  };
}
