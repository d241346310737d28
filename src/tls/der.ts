/**
 * DER (X.690), as much of it as a certificate needs: writing only, definite lengths only. It knows no certificate.
 */

export function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), content]);
}

export const sequence = (...contents: readonly Uint8Array[]): Buffer => tlv(0x30, ...contents);
export const set = (...contents: readonly Uint8Array[]): Buffer => tlv(0x31, ...contents);
/** Explicitly tagged [number]. */
export const explicit = (number: number, ...contents: readonly Uint8Array[]): Buffer => tlv(0xa0 | number, ...contents);
/** Implicitly tagged [number], primitive. */
export const implicit = (number: number, content: Uint8Array): Buffer => tlv(0x80 | number, content);
export const octets = (content: Uint8Array): Buffer => tlv(0x04, content);
export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text, 'utf8'));
export const yes = tlv(0x01, Buffer.from([0xff]));

/** Of big-endian bytes, read as a number of 0 or more. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const kept = bytes.subarray(start);
  return tlv(0x02, (kept[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), kept]) : kept);
}

export function bits(content: Uint8Array, unused = 0): Buffer {
  return tlv(0x03, Buffer.from([unused]), content);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, Buffer.from(bytes));
}

/** UTCTime until 2049, GeneralizedTime from then on, as RFC 5280 has it. */
export function time(unixMs: number): Buffer {
  const text = new Date(unixMs).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
  return Number(text.slice(0, 4)) < 2050
    ? tlv(0x17, Buffer.from(`${text.slice(2)}Z`))
    : tlv(0x18, Buffer.from(`${text}Z`));
}
