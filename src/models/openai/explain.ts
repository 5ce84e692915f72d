import { messageOf, RedistillError } from "../../core/errors.js";
import { nearest } from "../../core/nearest.js";
import { readable, statusOf } from "../langchain/faults.js";
import { EndpointFault } from "../remote/endpoint.js";

export interface Asked {
  readonly url: string;
  readonly name: string;
  readonly hasKey: boolean;
  /** Names of the server's models, where it tells them. */
  readonly names: readonly string[] | null;
}

/** Names that are listed where none is close. */
const mostNames = 5;

/** Why a server cannot be used as the recipe wants it, and what to do; other errors as they are. */
export function explain(error: unknown, asked: Asked): unknown {
  if (!(error instanceof EndpointFault)) return error;
  const { url, name, hasKey } = asked;
  return new RedistillError("model", `${name} at ${url}: ${error.message}`, hint(), {
    cause: error,
  });

  function hint(): string {
    const status = statusOf(error);
    if (error instanceof EndpointFault && error.trouble === "busy") {
      return "The server has too much to do; run the command again later.";
    }
    if (status === null) return "Start the server, or correct `url`; docs/models.md says how.";
    if (status === 401 || status === 403) {
      return hasKey
        ? "The server refuses the key: check what `apiKey` names, and that it may use this model."
        : "The server wants a key: name its place, `apiKey: { env: NAME }` or `{ file: path }`.";
    }
    if (status === 402 || messageOf(error).includes("quota")) {
      return "The account has nothing left: top it up, then run the command again.";
    }
    if (asked.names?.includes(name) === false) {
      return `Correct \`name\`: ${readable(others(asked.names))}`;
    }
    if (status === 404) {
      return "Correct `name` or `url`; the address of such a server usually ends in /v1.";
    }
    return "See what the server's log says of it; docs/models.md has what to start it with.";
  }

  function others(names: readonly string[]): string {
    const close = nearest(name, names);
    if (close !== null) return `did you mean ${close}?`;
    if (names.length === 0) return "the server has no models.";
    return `the server has ${names.slice(0, mostNames).join(", ")}${names.length > mostNames ? ", …" : "."}`;
  }
}
