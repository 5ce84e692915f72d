import { z } from "zod";
import { secretSourceSchema } from "./secrets.js";

/**
 * Where trainings run. It is no part of what a run is: a job has the same name and settings
 * everywhere. Another machine may round otherwise and so give other bits; whichever finished a job
 * first, its adapter is kept and known by its hash, and is never trained a second time.
 */
export const trainerSchema = z
  .discriminatedUnion("executor", [
    /** A process on this machine. */
    z.strictObject({ executor: z.literal("local").default("local") }),
    /** A job on a Ray cluster. */
    z.strictObject({
      executor: z.literal("ray"),
      /** Of the cluster's dashboard, which serves the Jobs REST API. */
      address: z
        .url({ protocol: /^https?$/, error: "an address that begins with http:// or https://" })
        .max(2048)
        .refine((text) => !/^[a-z]+:\/\/[^/]*@/i.test(text), "no name or password; use token")
        .default("http://127.0.0.1:8265"),
      /** A folder that this machine and every node see under the same path. */
      sharedFolder: z.string().min(1).max(1024),
      /** On the nodes: an interpreter with the packages of trainer/requirements.lock. */
      python: z.string().min(1).max(1024).default("python3"),
      /** What a training reserves on its node. */
      resources: z
        .strictObject({
          cpus: z.number().gt(0).max(1024).default(1),
          gpus: z.number().min(0).max(64).default(0),
        })
        .prefault({}),
      /** Sent as "Authorization: Bearer …". */
      token: secretSourceSchema.nullable().default(null),
    }),
  ])
  .prefault({});

export type TrainerSettings = z.infer<typeof trainerSchema>;
export type RaySettings = Extract<TrainerSettings, { executor: "ray" }>;
