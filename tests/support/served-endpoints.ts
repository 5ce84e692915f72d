// In the place of src/cli/endpoints.ts: every provider is model-server.ts.
import type { OpenEndpoint } from "../../src/models/remote/endpoint.js";
import { HttpEndpoint } from "./http-endpoint.js";

const open: OpenEndpoint<{ readonly url: string }> = async ({ url }) => new HttpEndpoint(url);

export const endpoints = { ollama: open, openai: open, langchain: open };
