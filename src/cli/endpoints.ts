import type { ServedSettings } from "../core/model.js";
import type { OpenEndpoint } from "../models/remote/endpoint.js";

type Endpoints = {
  readonly [Provider in ServedSettings["provider"]]: OpenEndpoint<
    Extract<ServedSettings, { provider: Provider }>
  >;
};

/** How the endpoint of each provider is made; another provider is a line here and one in `core/model.ts`. */
const byProvider: Partial<Endpoints> = {};

/** The same for settings whose provider is not known to the compiler. */
export const endpoints = byProvider as Readonly<
  Partial<Record<ServedSettings["provider"], OpenEndpoint<ServedSettings>>>
>;
