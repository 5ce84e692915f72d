import { z } from "zod";
import { address, ollamaUrl } from "./model.js";
import { secretSourceSchema } from "./secrets.js";

/** What makes vectors of texts, as a recipe has it: a model of a server. */
export const embedderSchema = z.discriminatedUnion("provider", [
  z.strictObject({
    provider: z.literal("ollama"),
    /** As the server calls it. */
    name: z.string().min(1).max(500),
    url: address.default(ollamaUrl),
  }),
  z.strictObject({
    provider: z.literal("openai"),
    name: z.string().min(1).max(500),
    url: address.default("https://api.openai.com/v1"),
    apiKey: secretSourceSchema.nullable().default(null),
  }),
]);

export type EmbedderSettings = z.infer<typeof embedderSchema>;
