import type { Adapter, CallRequest, Generation, Message } from "../../core/entities.js";
import { RedistillError } from "../../core/errors.js";
import type { Endpoint, EndpointIdentity, Watch } from "./endpoint.js";

interface Server {
  readonly endpoint: Endpoint;
  isThere: boolean;
  /** When it was last seen to be away, in milliseconds of the process's clock. */
  missedAt: number;
}

/**
 * Several servers with the same model as one: requests go to them in turn. When they are first asked
 * all must be there; one that goes away later is left out until it is back, and the last one's
 * absence is everybody's. Adapters are each server's own business, as with a single one.
 *
 * @param againMs How long one that was away is left alone before it is looked for again.
 */
export function spreadEndpoint(endpoints: readonly Endpoint[], againMs = 60_000): Endpoint {
  const [first] = endpoints as readonly [Endpoint];
  const servers = endpoints.map(
    (endpoint): Server => ({ endpoint, isThere: true, missedAt: Number.NEGATIVE_INFINITY }),
  );
  let digest: string | null = null;
  let turn = 0;

  const look = async (server: Server, signal: AbortSignal): Promise<EndpointIdentity> => {
    try {
      const identity = await server.endpoint.identify(signal);
      digest ??= identity.digest;
      if (identity.digest !== digest) throw another(digest, identity);
      server.isThere = true;
      return identity;
    } catch (error) {
      server.isThere = false;
      server.missedAt = performance.now();
      throw error;
    }
  };

  return {
    async identify(signal) {
      const isFirst = digest === null;
      const looks = await Promise.allSettled(servers.map((server) => look(server, signal)));
      signal.throwIfAborted();
      const found = looks.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      const errors = looks.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
      const [fatal] = errors.filter((error) => isFirst || isAnother(error));
      if (fatal !== undefined || found.length === 0) throw fatal ?? errors[0];
      return together(found);
    },

    answer(request: CallRequest, adapter: Adapter | null, watch: Watch): Promise<Generation> {
      const now = performance.now();
      for (const server of servers) {
        if (server.isThere || now - server.missedAt < againMs) continue;
        server.missedAt = now;
        // Beside the work; whether it is back is all that matters.
        look(server, watch.signal).catch(() => {});
      }
      const present = servers.filter(({ isThere }) => isThere);
      const { endpoint } = present[turn++ % present.length] ?? (servers[0] as Server);
      return endpoint.answer(request, adapter, watch);
    },

    render: (messages: readonly Message[]) => first.render(messages),
    countTokens: (texts, signal) => first.countTokens(texts, signal),
    async dispose() {
      await Promise.all(endpoints.map((endpoint) => endpoint.dispose()));
    },
  };
}

/** What all of them can do; the room for requests is that of all. */
function together(found: readonly EndpointIdentity[]): EndpointIdentity {
  const [one] = found as readonly [EndpointIdentity];
  const lengths = found.flatMap(({ contextTokens }) => contextTokens ?? []);
  const parallel = found.map((each) => each.parallel);
  const known = parallel.flatMap((each) => each ?? []);
  const { parallel: _parallel, ...rest } = one;
  return {
    ...rest,
    description: `${one.description}, ${found.length} servers`,
    contextTokens: lengths.length > 0 ? Math.min(...lengths) : null,
    countsExactly: found.every(({ countsExactly }) => countsExactly === true),
    ...(known.length === found.length ? { parallel: known.reduce((sum, each) => sum + each) } : {}),
  };
}

function another(wanted: string, { digest, description }: EndpointIdentity): RedistillError {
  return new RedistillError(
    "state",
    `${description} is not the model that the other servers have (${digest.slice(0, 12)}, there ${wanted.slice(0, 12)})`,
    "All addresses of one model must have the same weights, template and version of the server.",
  );
}

function isAnother(error: unknown): boolean {
  return error instanceof RedistillError && error.kind === "state";
}
