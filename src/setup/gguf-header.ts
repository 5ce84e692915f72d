import { open } from "node:fs/promises";

type GgufScalar = string | number | bigint | boolean;

/** The header of a GGUF file; of arrays only the element count is kept. */
export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufScalar | { readonly length: number }>;
  readonly tensors: readonly GgufTensor[];
  /** Where tensor data begins. */
  readonly dataStart: number;
  readonly fileBytes: number;
}

interface GgufTensor {
  readonly name: string;
  readonly elements: number;
  readonly type: number;
  readonly offset: number;
}

/** The file is no GGUF, or its header does not make sense. */
export class GgufFormatError extends Error {
  override readonly name = "GgufFormatError";
}

/** The header goes on beyond the bytes that were read. */
class NeedMoreBytes extends Error {}

const firstRead = 1 << 20;
const headerLimit = 512 << 20;
const countLimit = 1 << 24;
const numberSizes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8] as const;
const stringType = 8;
const arrayType = 9;

/** Reads the header alone: about a megabyte for most models, never the tensors. */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    for (let length = firstRead; ; length *= 4) {
      const wanted = Math.min(length, size, headerLimit);
      const buffer = Buffer.alloc(wanted);
      let filled = 0;
      while (filled < wanted) {
        const { bytesRead } = await file.read(buffer, filled, wanted - filled, filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      try {
        return parse(buffer.subarray(0, filled), size);
      } catch (error) {
        if (!(error instanceof NeedMoreBytes)) throw error;
        if (wanted === size) throw new GgufFormatError("the file ends inside its header");
        if (wanted === headerLimit) throw new GgufFormatError("its header is larger than 512 MB");
      }
    }
  } finally {
    await file.close();
  }
}

function parse(buffer: Buffer, fileBytes: number): GgufHeader {
  const reader = new Reader(buffer);
  if (buffer.length < 4 || buffer.toString("latin1", 0, 4) !== "GGUF") {
    throw new GgufFormatError("it does not begin with GGUF");
  }
  reader.position = 4;
  const version = reader.u32();
  if (version === 0x02000000 || version === 0x03000000) {
    throw new GgufFormatError("it is a big-endian GGUF");
  }
  if (version !== 2 && version !== 3) {
    throw new GgufFormatError(`GGUF version ${version} is unknown (2 and 3 are known)`);
  }
  const tensorCount = reader.count("tensors");
  const pairCount = reader.count("metadata entries");
  const metadata = new Map<string, GgufScalar | { length: number }>();
  for (let index = 0; index < pairCount; index++) {
    const key = reader.text();
    metadata.set(key, reader.value(reader.u32()));
  }
  const tensors: GgufTensor[] = [];
  for (let index = 0; index < tensorCount; index++) {
    const name = reader.text();
    const dimensions = reader.u32();
    if (dimensions > 8) throw new GgufFormatError(`tensor ${name} has ${dimensions} dimensions`);
    let elements = 1;
    for (let axis = 0; axis < dimensions; axis++) elements *= reader.u64();
    tensors.push({ name, elements, type: reader.u32(), offset: reader.u64() });
  }
  const stated = metadata.get("general.alignment");
  const alignment = typeof stated === "number" && stated > 0 ? stated : 32;
  const dataStart = Math.ceil(reader.position / alignment) * alignment;
  return { version, metadata, tensors, dataStart, fileBytes };
}

class Reader {
  position = 0;

  constructor(private readonly buffer: Buffer) {}

  private take(length: number): number {
    const at = this.position;
    if (at + length > this.buffer.length) throw new NeedMoreBytes();
    this.position += length;
    return at;
  }

  u32(): number {
    return this.buffer.readUInt32LE(this.take(4));
  }

  u64(): number {
    const value = this.buffer.readBigUInt64LE(this.take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new GgufFormatError("a size in its header is impossible");
    }
    return Number(value);
  }

  count(what: string): number {
    const value = this.u64();
    if (value > countLimit) throw new GgufFormatError(`its header claims ${value} ${what}`);
    return value;
  }

  text(): string {
    const length = this.u64();
    if (length > headerLimit) throw new GgufFormatError("a text in its header is impossibly long");
    const at = this.take(length);
    return this.buffer.toString("utf8", at, at + length);
  }

  value(type: number): GgufScalar | { length: number } {
    if (type === stringType) return this.text();
    if (type === arrayType) return this.array(0);
    const size = numberSizes[type];
    if (!size) throw new GgufFormatError(`value type ${type} in its header is unknown`);
    const at = this.take(size);
    const { buffer } = this;
    switch (type) {
      case 0:
        return buffer.readUInt8(at);
      case 1:
        return buffer.readInt8(at);
      case 2:
        return buffer.readUInt16LE(at);
      case 3:
        return buffer.readInt16LE(at);
      case 4:
        return buffer.readUInt32LE(at);
      case 5:
        return buffer.readInt32LE(at);
      case 6:
        return buffer.readFloatLE(at);
      case 7:
        return buffer.readUInt8(at) !== 0;
      case 10:
        return buffer.readBigUInt64LE(at);
      case 11:
        return buffer.readBigInt64LE(at);
      default:
        return buffer.readDoubleLE(at);
    }
  }

  /** Steps over an array; vocabularies are large and nobody here needs them. */
  private array(depth: number): { length: number } {
    if (depth > 4) throw new GgufFormatError("its arrays are nested too deeply");
    const type = this.u32();
    const length = this.u64();
    if (type === stringType) {
      for (let index = 0; index < length; index++) this.take(this.u64());
    } else if (type === arrayType) {
      for (let index = 0; index < length; index++) this.array(depth + 1);
    } else {
      const size = numberSizes[type];
      if (!size) throw new GgufFormatError(`element type ${type} in its header is unknown`);
      this.take(size * length);
    }
    return { length };
  }
}
