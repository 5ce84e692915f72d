import { deflateSync, inflateSync } from "node:zlib";
import type { Logprob, TokenLogprob } from "../core/entities.js";

/** Twenty alternatives a token are some 700 bytes as JSON with names; these lists take a fifth, deflated. */
type Entry = readonly [token: string, id: number | null, logprob: number];
type Row = readonly [...Entry, top: readonly Entry[]];

/** Log-probabilities of an answer as bytes for a row. */
export function packLogprobs(tokens: readonly TokenLogprob[]): Buffer {
  const rows = tokens.map((token): Row => [...entry(token), token.top.map(entry)]);
  return deflateSync(JSON.stringify(rows));
}

export function unpackLogprobs(bytes: Buffer): TokenLogprob[] {
  const rows = JSON.parse(inflateSync(bytes).toString("utf8")) as Row[];
  return rows.map(([token, id, logprob, top]) => ({
    ...named([token, id, logprob]),
    top: top.map(named),
  }));
}

const entry = ({ token, id, logprob }: Logprob): Entry => [token, id ?? null, logprob];

const named = ([token, id, logprob]: Entry): Logprob => ({
  token,
  ...(id === null ? {} : { id }),
  logprob,
});
