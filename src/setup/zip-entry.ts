import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";

const endSignature = 0x06054b50;
const centralSignature = 0x02014b50;
const localSignature = 0x04034b50;
const zip64 = 0xffffffff;

interface Entry {
  readonly method: number;
  readonly compressed: number;
  readonly offset: number;
}

/**
 * Writes one entry of a zip archive to a file, as a stream. It reads what wheels are made of:
 * stored or deflated entries below 4 GB. The caller has verified the archive and verifies the
 * result, so neither checksums nor names are trusted here.
 */
export async function extractEntry(
  archive: string,
  name: string,
  output: string,
  signal?: AbortSignal,
): Promise<void> {
  const file = await open(archive, "r");
  let start: number;
  let entry: Entry;
  try {
    const { size } = await file.stat();
    const read = async (position: number, length: number) => {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await file.read(buffer, 0, length, position);
      return buffer.subarray(0, bytesRead);
    };
    const tailStart = Math.max(0, size - 65_557);
    const tail = await read(tailStart, size - tailStart);
    const end = findEnd(tail);
    const directory = await read(tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
    entry = findEntry(directory, name);
    const local = await read(entry.offset, 30);
    if (local.length < 30 || local.readUInt32LE(0) !== localSignature) throw damaged();
    start = entry.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  } finally {
    await file.close();
  }
  const source = createReadStream(archive, { start, end: start + entry.compressed - 1 });
  const target = createWriteStream(output);
  const options = signal ? { signal } : {};
  if (entry.method === 0) await pipeline(source, target, options);
  else await pipeline(source, createInflateRaw(), target, options);
}

function findEnd(tail: Buffer): number {
  for (let at = tail.length - 22; at >= 0; at--) {
    if (tail.readUInt32LE(at) === endSignature) return at;
  }
  throw damaged();
}

function findEntry(directory: Buffer, name: string): Entry {
  let at = 0;
  while (at + 46 <= directory.length && directory.readUInt32LE(at) === centralSignature) {
    const nameLength = directory.readUInt16LE(at + 28);
    const found = directory.toString("utf8", at + 46, at + 46 + nameLength);
    if (found === name) {
      const entry = {
        method: directory.readUInt16LE(at + 10),
        compressed: directory.readUInt32LE(at + 20),
        offset: directory.readUInt32LE(at + 42),
      };
      if (entry.compressed === zip64 || entry.offset === zip64) throw damaged();
      if (entry.method !== 0 && entry.method !== 8) throw damaged();
      return entry;
    }
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  throw new Error(`the archive holds no ${name}`);
}

function damaged(): Error {
  return new Error("the archive is damaged or of an unknown kind");
}
