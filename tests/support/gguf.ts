type Value = string | number | string[];

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}
export function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}
export function u64(value: number | bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}
function value(of: Value): Buffer {
  if (typeof of === "number") return Buffer.concat([u32(4), u32(of)]);
  if (typeof of === "string") return Buffer.concat([u32(8), text(of)]);
  return Buffer.concat([u32(9), u32(8), u64(of.length), ...of.map(text)]);
}

const sound: Record<string, Value> = {
  "general.architecture": "llama",
  "general.type": "model",
  "general.name": "Tiny",
  "general.file_type": 2,
  "tokenizer.ggml.tokens": ["a", "b", "ü"],
  "tokenizer.chat_template": "{{ messages }}",
};

/** A GGUF with one Q4_0 tensor of 64 elements (36 bytes). */
export function gguf(changes: Record<string, Value | undefined> = {}, tensors = 1): Buffer {
  const pairs = Object.entries({ ...sound, ...changes }).filter(([, of]) => of !== undefined);
  const tensor = Buffer.concat([text("w"), u32(2), u64(32), u64(2), u32(2), u64(0)]);
  const header = Buffer.concat([
    ...[Buffer.from("GGUF"), u32(3), u64(tensors), u64(pairs.length)],
    ...pairs.flatMap(([key, of]) => [text(key), value(of as Value)]),
    ...Array<Buffer>(tensors).fill(tensor),
  ]);
  const padding = Buffer.alloc((32 - (header.length % 32)) % 32);
  return Buffer.concat([header, padding, Buffer.alloc(36, 9)]);
}
