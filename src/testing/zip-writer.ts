/** ZIP archives as tests want them: right ones, and ones that lie in a chosen field. Not for anything else. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipPart {
  readonly name: string;
  readonly content: Uint8Array | string;
  readonly stored?: boolean;
  /** What the directory says in place of the truth. */
  readonly lie?: {
    readonly bytes?: number;
    readonly compressedBytes?: number;
    readonly crc?: number;
    readonly method?: number;
    readonly flags?: number;
    readonly mode?: number;
    readonly offset?: number;
    readonly localName?: string;
  };
}

export function writeZip(parts: readonly ZipPart[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, content, stored = false, lie = {} } of parts) {
    const raw = Buffer.from(content);
    const data = stored ? raw : deflateRawSync(raw);
    const method = lie.method ?? (stored ? 0 : 8);
    const localName = Buffer.from(lie.localName ?? name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04_03_4b_50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(crc32(raw), 14);
    local.writeUInt32LE(data.byteLength, 18);
    local.writeUInt32LE(raw.byteLength, 22);
    local.writeUInt16LE(localName.byteLength, 26);
    files.push(local, localName, data);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02_01_4b_50, 0);
    entry.writeUInt16LE(lie.flags ?? 0, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(lie.crc ?? crc32(raw), 16);
    entry.writeUInt32LE(lie.compressedBytes ?? data.byteLength, 20);
    entry.writeUInt32LE(lie.bytes ?? raw.byteLength, 24);
    entry.writeUInt16LE(Buffer.byteLength(name), 28);
    entry.writeUInt32LE(((lie.mode ?? 0o100_644) << 16) >>> 0, 38);
    entry.writeUInt32LE(lie.offset ?? at, 42);
    directory.push(entry, Buffer.from(name));
    at += local.byteLength + localName.byteLength + data.byteLength;
  }
  const whole = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06_05_4b_50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(whole.byteLength, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...files, whole, end]);
}

/** A .mar with the given manifest's `model` and files. */
export function writeMar(model: object, files: readonly ZipPart[]): Buffer {
  const manifest = JSON.stringify({ runtime: 'python', archiverVersion: '0.12.0', model });
  return writeZip([{ name: 'MAR-INF/MANIFEST.json', content: manifest }, ...files]);
}
