import { afterEach, describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/core/entities.js";
import { VllmAdapters } from "../../../src/models/openai/adapters.js";
import { ServerHttp } from "../../../src/models/openai/http.js";
import type { Endpoint } from "../../../src/models/remote/endpoint.js";
import { RemoteModel } from "../../../src/models/remote/remote-model.js";
import { chatModelContract, requestOf } from "../../contract/chat-model.js";
import {
  type Aside,
  ableChat,
  type ChatBody,
  type OpenAIApi,
  startOpenAIApi,
} from "../../support/openai-api.js";
import { endpointAt, openAISettings, quietly } from "../../support/openai-endpoint.js";

// Scripts of the documented APIs of vLLM and llama-server; neither ran here.

let api: OpenAIApi;
let endpoint: Endpoint;
afterEach(async () => {
  await endpoint?.dispose();
  await api?.close();
});

const signal = () => AbortSignal.timeout(60_000);

const adapter = (letter: string): Adapter => ({
  ...{ sha256: letter.repeat(64), ggufPath: `/runs/${letter}/adapter.gguf` },
  ...{ peftPath: `/runs/${letter}/peft`, parent: null, round: 1 },
});

interface Loading {
  readonly lora_name?: string;
  readonly lora_path?: string;
}

/** vLLM as its documentation has it; `updating`: VLLM_ALLOW_RUNTIME_LORA_UPDATING. */
function vllm(loaded: Map<string, string>, { updating = true } = {}): Aside {
  return (_method, path, body) => {
    const { lora_name = "", lora_path } = (body ?? {}) as Loading;
    if (path === "/version") return { body: { version: "0.11.0" } };
    if (path === "/v1/models") {
      const data = [
        { id: "river-1", owned_by: "vllm", root: "/weights/river", max_model_len: 2048 },
      ];
      return { body: { data } };
    }
    if (path === "/tokenize") {
      const { prompt } = body as { prompt: string };
      return { body: { count: 3, tokens: prompt.split(" "), max_model_len: 2048 } };
    }
    if (path === "/v1/load_lora_adapter" && updating) {
      if (!lora_name || !lora_path) return { status: 400, body: { message: "must be provided" } };
      if (lora_path.includes("/z/")) {
        return { status: 404, body: { error: { message: `No adapter found for ${lora_path}` } } };
      }
      loaded.set(lora_name, lora_path);
      return { body: `Success: LoRA adapter '${lora_name}' added successfully.` };
    }
    if (path === "/v1/unload_lora_adapter" && updating) {
      loaded.delete(lora_name);
      return { body: `Success: LoRA adapter '${lora_name}' removed successfully.` };
    }
    return undefined;
  };
}

describe("vLLM", () => {
  const loaded = new Map<string, string>();
  const open = async (options = {}) => {
    loaded.clear();
    api = await startOpenAIApi(
      (body) =>
        body.model === "river-1" || loaded.has(body.model)
          ? ableChat(body)
          : {
              status: 404,
              body: { error: { message: `The model ${body.model} does not exist.` } },
            },
      vllm(loaded, options),
    );
    ({ endpoint } = await endpointAt(api.url, { adapters: "vllm" }));
    return endpoint.identify(signal());
  };

  it("says its version and its context", async () => {
    const { contextTokens, description, capabilities } = await open();
    expect(contextTokens).toBe(2048);
    expect(description).toContain("vllm 0.11.0");
    expect(capabilities.adapters).toBe(true);
    // Its own tokenizer, and what its template puts around a prompt.
    const [short, long] = await endpoint.countTokens(["a b", "a b c d"], signal());
    expect((long as number) - (short as number)).toBe(2);
  });

  it("loads an adapter before its first request, once, and answers with it by name", async () => {
    await open();
    const requests = ["x", "y", "z"].map((text) =>
      endpoint.answer(requestOf(text), adapter("a"), quietly()),
    );
    await Promise.all(requests);
    expect([...loaded.values()]).toEqual(["/runs/a/peft"]);
    const [name] = [...loaded.keys()];
    expect(api.chats.slice(-3).map(({ model }) => model)).toEqual([name, name, name]);
    await endpoint.answer(requestOf("x"), null, quietly());
    expect(api.chats.at(-1)?.model).toBe("river-1");
    expect(api.asked.filter(({ path }) => path === "/v1/load_lora_adapter")).toHaveLength(2);
  });

  it("keeps two, and leaves none behind", async () => {
    await open();
    for (const letter of ["a", "b", "c"]) {
      await endpoint.answer(requestOf("x"), adapter(letter), quietly());
    }
    expect([...loaded.values()]).toEqual(["/runs/b/peft", "/runs/c/peft"]);
    await endpoint.dispose();
    expect(loaded.size).toBe(0);
  });

  it("unloads none that somebody is asking", async () => {
    await open();
    const http = new ServerHttp(api.url, null);
    const adapters = new VllmAdapters(http);
    for (const letter of ["a", "b", "c"]) await adapters.select(adapter(letter), signal());
    expect(loaded.size).toBe(3);
    for (const letter of ["a", "b"]) adapters.answered(adapter(letter));
    await adapters.select(adapter("d"), signal());
    expect([...loaded.values()]).toEqual(["/runs/c/peft", "/runs/d/peft"]);
    await http.close();
  });

  it("loads an adapter again when the server was started again", async () => {
    await open();
    await endpoint.answer(requestOf("x"), adapter("a"), quietly());
    loaded.clear();
    await expect(endpoint.answer(requestOf("x"), adapter("a"), quietly())).rejects.toMatchObject({
      trouble: "unavailable",
    });
    await endpoint.answer(requestOf("x"), adapter("a"), quietly());
    expect(loaded.size).toBe(1);
  });

  it("is refused early where it loads no adapters, and says what is wrong with one", async () => {
    await expect(open({ updating: false })).rejects.toMatchObject({
      kind: "model",
      hint: expect.stringContaining("VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"),
    });
    await endpoint.dispose();
    await api.close();
    await open();
    await expect(endpoint.answer(requestOf("x"), adapter("z"), quietly())).rejects.toMatchObject({
      kind: "model",
      message: expect.stringContaining("No adapter found"),
      hint: expect.stringContaining("under the same path"),
    });
  });
});

const template =
  "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}<assistant>";

/** llama-server as its README has it, started with two adapters. */
const llamaServer: Aside = (method, path, body) => {
  if (path === "/v1/models") return { body: { data: [{ id: "river-1", owned_by: "llamacpp" }] } };
  if (path === "/props") {
    const default_generation_settings = { n_ctx: 1024, params: {} };
    const props = { total_slots: 4, chat_template: template, build_info: "b6000-abc" };
    return { body: { ...props, default_generation_settings } };
  }
  if (path === "/lora-adapters" && method === "GET") {
    const paths = ["/runs/a/adapter.gguf", "/runs/b/adapter.gguf"];
    return { body: paths.map((each, id) => ({ id, path: each, scale: 1 })) };
  }
  if (path === "/tokenize") {
    return {
      body: {
        tokens: Array.from({ length: (body as { content: string }).content.length }, (_, i) => i),
      },
    };
  }
  return undefined;
};

/** Counts a character as a token, as its /tokenize does. */
function chat(body: ChatBody) {
  const text = body.messages.map(({ role, content }) => `<${role}>${content}</${role}>`).join("");
  const prompt_tokens = `${text}<assistant>`.length;
  return { ...ableChat(body), usage: { prompt_tokens, completion_tokens: 3 } };
}

chatModelContract(
  "a model behind a server",
  async () => {
    const server = await startOpenAIApi(chat, llamaServer);
    const opened = await endpointAt(server.url, { adapters: "llama-server" });
    const settings = openAISettings(server.url);
    const model = await RemoteModel.open(opened.endpoint, settings, signal());
    return Object.assign(model, {
      dispose: async () => {
        await opened.endpoint.dispose();
        await server.close();
      },
    });
  },
  "script",
);

describe("llama-server", () => {
  const open = async () => {
    api = await startOpenAIApi(chat, llamaServer);
    ({ endpoint } = await endpointAt(api.url, { adapters: "llama-server" }));
    return endpoint.identify(signal());
  };

  it("renders with its template and counts with its tokenizer, exactly", async () => {
    const identity = await open();
    expect(identity).toMatchObject({ contextTokens: 1024, parallel: 4, countsExactly: true });
    const text = endpoint.render([{ role: "user", content: "Hi" }]);
    expect(text).toBe("<user>Hi</user><assistant>");
    expect(await endpoint.countTokens([text], signal())).toEqual([text.length]);
  });

  it("is doubted where it reads another prompt than its template makes", async () => {
    api = await startOpenAIApi(
      (body) => ({ ...chat(body), usage: { prompt_tokens: 7, completion_tokens: 3 } }),
      llamaServer,
    );
    const opened = await endpointAt(api.url);
    endpoint = opened.endpoint;
    const { countsExactly } = await endpoint.identify(signal());
    await endpoint.identify(signal());
    expect(countsExactly).toBe(false);
    expect(opened.notices).toEqual([expect.stringContaining("reads a prompt of 7 tokens")]);
  });

  it("says with each request which of its adapters answers", async () => {
    await open();
    await endpoint.answer(requestOf("x"), adapter("b"), quietly());
    expect(api.chats.at(-1)?.lora).toEqual([
      { id: 0, scale: 0 },
      { id: 1, scale: 1 },
    ]);
    await endpoint.answer(requestOf("x"), null, quietly());
    expect(api.chats.at(-1)?.lora?.map(({ scale }) => scale)).toEqual([0, 0]);
    // Not even the first question is answered by an adapter.
    expect(api.chats.every(({ lora }) => lora?.length === 2)).toBe(true);
  });

  it("cannot take one that it was not started with, and says so", async () => {
    await open();
    await expect(endpoint.answer(requestOf("x"), adapter("c"), quietly())).rejects.toMatchObject({
      kind: "model",
      hint: expect.stringContaining("--lora /runs/c/adapter.gguf --lora-init-without-apply"),
    });
  });
});
