/**
 * gRPC's length-prefixed messages on an HTTP/2 stream, whatever way its chunks are cut.
 *
 *   frame = compressed length message      compressed uint8: 0 or 1, length uint32 BE
 *
 * Invariant: no more than one message beyond its limit is ever held, and a message that came in one chunk is not copied.
 */
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { FlyballError, grpcStatus } from '../../errors.ts';

export const prefixBytes = 5;

/** What ends a call with a status that no entry of the catalogue has. */
export class GrpcFailure extends Error {
  readonly status: number;
  constructor(status: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
  }
}

export interface Frame {
  readonly compressed: boolean;
  readonly message: Buffer;
}

export interface FrameReader {
  /** Frames that are complete now; throws {@link GrpcFailure} at one over the limit, before it has arrived. */
  push(chunk: Buffer): readonly Frame[];
  /** Bytes of a frame that is not complete. */
  readonly pendingBytes: number;
}

/** The frame that a chunk is exactly, if it is: how small messages come, without a reader's state. */
export function wholeFrame(chunk: Buffer, messageBytesMax: number): Frame | undefined {
  if (chunk.length < prefixBytes || chunk[0]! > 1) return undefined;
  const length = chunk.length - prefixBytes;
  if (length > messageBytesMax || chunk.readUInt32BE(1) !== length) return undefined;
  return { compressed: chunk[0] === 1, message: chunk.subarray(prefixBytes) };
}

export const tooLarge = (bytes: number, max: number): GrpcFailure =>
  new GrpcFailure(grpcStatus.RESOURCE_EXHAUSTED, `expected a message of at most ${max} bytes, got ${bytes}`);

export function openFrameReader(messageBytesMax: number): FrameReader {
  let chunks: Buffer[] = [];
  let pending = 0;
  /** Bytes needed before looking again is of use. */
  let needed = prefixBytes;
  return {
    get pendingBytes() {
      return pending;
    },
    push(chunk) {
      pending += chunk.length;
      chunks.push(chunk);
      if (pending < needed) return [];
      const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks, pending);
      const frames: Frame[] = [];
      let at = 0;
      needed = prefixBytes;
      while (bytes.length - at >= prefixBytes) {
        const flag = bytes[at]!;
        const length = bytes.readUInt32BE(at + 1);
        if (flag > 1) throw new GrpcFailure(grpcStatus.INTERNAL, `expected a compression flag of 0 or 1, got ${flag}`);
        if (length > messageBytesMax) throw tooLarge(length, messageBytesMax);
        if (bytes.length - at < prefixBytes + length) {
          needed = prefixBytes + length;
          break;
        }
        frames.push({ compressed: flag === 1, message: bytes.subarray(at + prefixBytes, at + prefixBytes + length) });
        at += prefixBytes + length;
      }
      const rest = at === 0 ? bytes : bytes.subarray(at);
      chunks = rest.length === 0 ? [] : [rest];
      pending = rest.length;
      return frames;
    },
  };
}

const decompressors = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

export const acceptedEncodings = 'identity,deflate,gzip';

/** The message of a frame under the call's grpc-encoding. */
export async function decompress(frame: Frame, encoding: string | undefined, messageBytesMax: number): Promise<Buffer> {
  if (!frame.compressed) return frame.message;
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    throw new GrpcFailure(
      grpcStatus.INTERNAL,
      `expected no compressed message under grpc-encoding ${encoding ?? 'identity'}`,
    );
  }
  try {
    return await decompressors[encoding](frame.message, { maxOutputLength: messageBytesMax });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new GrpcFailure(
        grpcStatus.RESOURCE_EXHAUSTED,
        `expected a message of at most ${messageBytesMax} bytes once decompressed, got more`,
        cause,
      );
    }
    throw new FlyballError('INVALID_REQUEST', `expected a message compressed by ${encoding}, got something else`, {
      cause,
    });
  }
}

/** A message without compression as one frame. */
export function frame(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(prefixBytes + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, prefixBytes);
  return bytes;
}
