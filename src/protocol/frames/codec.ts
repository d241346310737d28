/**
 * Bytes ↔ frames of the grammar in messages.ts. Pure: no socket, no clock.
 * The decoder takes a stream in any pieces and gives the same frames for every way of cutting it. A small frame that
 * lies whole in one piece is given as a view of that piece; any other is assembled once in a buffer of its length.
 * Invariants: a frame over `viewedFrameBytesMax` shares its buffer with nobody, so that the buffer can be given to
 * another thread; its header is padded so that its body begins at a multiple of eight, where typed arrays can look at
 * it without a copy.
 */
import { FlyballError } from '../../errors.ts';
import { frameKinds, type FrameHeaders, type FrameKind } from './messages.ts';

/** A frame as the arguments of a callback, so that `switch (kind)` narrows the header. */
export type FrameArguments = {
  [K in FrameKind]: [kind: K, header: FrameHeaders[K], body: Uint8Array];
}[FrameKind];

/** Bytes of the length field, and of kind and header length after it. */
const lengthBytes = 4;
const fixedBytes = 5;
const prefixBytes = lengthBytes + fixedBytes;

const kindOfNumber: (FrameKind | undefined)[] = [];
for (const [kind, number] of Object.entries(frameKinds)) kindOfNumber[number] = kind as FrameKind;

/** A frame up to this is a view of what was read, which may hold other frames; a longer one has a buffer of its own. */
export const viewedFrameBytesMax = 16_384;

const padding = ['', ' ', '  ', '   ', '    ', '     ', '      ', '       '];
const noBytes = new Uint8Array(0);

/** A frame up to its body, with `room` bytes left behind it for a body that is worth copying. */
export function encodeHead<Kind extends FrameKind>(
  kind: Kind,
  header: FrameHeaders[Kind],
  bodyBytes: number,
  room = 0,
): Buffer {
  const json = JSON.stringify(header);
  const jsonBytes = Buffer.byteLength(json);
  const pad = -(prefixBytes + jsonBytes) & 7;
  const headerBytes = jsonBytes + pad;
  const head = Buffer.allocUnsafe(prefixBytes + headerBytes + room);
  head.writeUInt32LE(fixedBytes + headerBytes + bodyBytes, 0);
  head[4] = frameKinds[kind];
  head.writeUInt32LE(headerBytes, 5);
  head.write(json, prefixBytes, jsonBytes, 'utf8');
  if (pad > 0) head.write(padding[pad] ?? '', prefixBytes + jsonBytes, pad, 'latin1');
  return head;
}

export interface FrameDecoder {
  /** Calls back for each frame that `chunk` completes; throws PROTOCOL, after which the stream is lost. */
  push(chunk: Buffer): void;
  /** Whether the stream stands inside a frame. */
  readonly partial: boolean;
}

export function makeFrameDecoder(frameBytesMax: number, onFrame: (...frame: FrameArguments) => void): FrameDecoder {
  /** The length field, while it is split between pieces. */
  const prefix = Buffer.alloc(lengthBytes);
  let prefixFilled = 0;
  /** The frame being assembled, behind four unused bytes that keep the body aligned. */
  let frame: Buffer | undefined;
  let frameFilled = 0;

  function checkLength(length: number): void {
    if (length < fixedBytes) {
      throw new FlyballError('PROTOCOL', `expected a frame of at least ${fixedBytes} bytes, got ${length}`);
    }
    if (length > frameBytesMax) {
      throw new FlyballError('PROTOCOL', `expected a frame of at most ${frameBytesMax} bytes, got ${length}`);
    }
  }

  /** `start` is where the kind stands, `end` is past the body. */
  function deliver(bytes: Buffer, start: number, end: number): void {
    const number = bytes[start] ?? 0;
    const kind = kindOfNumber[number];
    if (kind === undefined) throw new FlyballError('PROTOCOL', `unknown frame kind ${number}`);
    const headerStart = start + fixedBytes;
    const headerEnd = headerStart + bytes.readUInt32LE(start + 1);
    if (headerEnd > end) {
      throw new FlyballError('PROTOCOL', `the header of a ${kind} frame runs ${headerEnd - end} bytes past its end`);
    }
    let header: unknown;
    try {
      header = JSON.parse(bytes.toString('utf8', headerStart, headerEnd));
    } catch (cause) {
      throw new FlyballError('PROTOCOL', `the header of a ${kind} frame is not JSON`, { cause });
    }
    if (typeof header !== 'object' || header === null || Array.isArray(header)) {
      throw new FlyballError('PROTOCOL', `the header of a ${kind} frame is not a JSON object`);
    }
    const body = headerEnd === end ? noBytes : bytes.subarray(headerEnd, end);
    // Only the outline is checked here; each side's own code meets missing fields.
    onFrame(...([kind, header, body] as unknown as FrameArguments));
  }

  function begin(length: number): void {
    checkLength(length);
    // Never from the shared pool: a whole buffer can be handed to another thread.
    frame = Buffer.allocUnsafeSlow(lengthBytes + length);
    frameFilled = lengthBytes;
  }

  function push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (frame !== undefined) {
        const copied = chunk.copy(frame, frameFilled, at);
        frameFilled += copied;
        at += copied;
        if (frameFilled < frame.length) return;
        const whole = frame;
        frame = undefined;
        deliver(whole, lengthBytes, whole.length);
      } else if (prefixFilled > 0 || chunk.length - at < lengthBytes) {
        const copied = chunk.copy(prefix, prefixFilled, at);
        prefixFilled += copied;
        at += copied;
        if (prefixFilled < lengthBytes) return;
        prefixFilled = 0;
        begin(prefix.readUInt32LE(0));
      } else {
        const length = chunk.readUInt32LE(at);
        at += lengthBytes;
        if (length > viewedFrameBytesMax || chunk.length - at < length) {
          begin(length);
        } else {
          checkLength(length);
          at += length;
          deliver(chunk, at - length, at);
        }
      }
    }
  }

  return {
    push,
    get partial() {
      return frame !== undefined || prefixFilled > 0;
    },
  };
}
