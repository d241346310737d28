/**
 * A request's body, whole and decompressed, within its limit. Bodies are kept as the socket gave them and joined once;
 * a body that came in one piece is not copied at all.
 */
import type { IncomingMessage } from 'node:http';
import { gunzip, inflate, inflateRaw } from 'node:zlib';
import { FlyballError } from '../../errors.ts';
import type { RestHeaders } from './headers.ts';

type Done = (error: FlyballError | undefined, body: Uint8Array) => void;

const nothing = new Uint8Array(0);

function tooLarge(bytesMax: number, got: string): FlyballError {
  return new FlyballError(
    'TOO_LARGE',
    `expected a body of at most ${bytesMax} bytes (limits.bodyBytesMax), got ${got}`,
  );
}

function decompress(encoding: string, body: Uint8Array, bytesMax: number, done: Done): void {
  const unpack =
    encoding === 'gzip' || encoding === 'x-gzip'
      ? gunzip
      : encoding === 'deflate'
        ? // deflate means zlib; some send the bare stream, whose first byte cannot be zlib's.
          ((body[0] ?? 0) & 0x0f) === 8
          ? inflate
          : inflateRaw
        : undefined;
  if (unpack === undefined) {
    done(
      new FlyballError('UNSUPPORTED_CONTENT', `expected Content-Encoding gzip, deflate or identity, got ${encoding}`),
      nothing,
    );
    return;
  }
  unpack(body, { maxOutputLength: bytesMax }, (error, result) => {
    if (error === null) done(undefined, result);
    else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      done(tooLarge(bytesMax, 'more after decompression'), nothing);
    } else {
      done(
        new FlyballError('INVALID_REQUEST', `expected a body compressed with ${encoding}: ${error.message}`, {
          cause: error,
        }),
        nothing,
      );
    }
  });
}

/** One buffer of all; the pieces are gone afterwards. */
function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const body = Buffer.concat(chunks, size);
  // Their memory is given back now, not at the next full collection: those come every few images otherwise, for bytes
  // that nobody needs (a tenth of the gateway's time for each). Only a piece alone in its buffer is nobody else's.
  for (const { buffer, byteLength } of chunks) {
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
  }
  return body;
}

/**
 * Calls back once, or never when the caller hangs up before the body is whole. After an error the rest of the body is
 * read and dropped, so that the caller gets to read the answer.
 */
export function readBody(request: IncomingMessage, headers: RestHeaders, bytesMax: number, done: Done): void {
  if (headers.contentLength !== undefined && Number(headers.contentLength) > bytesMax) {
    request.resume();
    done(tooLarge(bytesMax, headers.contentLength), nothing);
    return;
  }
  let first: Uint8Array | undefined;
  let chunks: Uint8Array[] | undefined;
  let size = 0;
  let over = false;
  request.on('data', (chunk: Buffer) => {
    if (over) return;
    size += chunk.byteLength;
    if (size > bytesMax) {
      over = true;
      chunks = undefined;
      done(tooLarge(bytesMax, 'more'), nothing);
    } else if (first === undefined) first = chunk;
    else if (chunks === undefined) chunks = [first, chunk];
    else chunks.push(chunk);
  });
  // A hang-up is told by the response's `close`; the listener only keeps the error from being unhandled.
  request.on('error', () => {});
  request.on('end', () => {
    if (over) return;
    const body = chunks === undefined ? (first ?? nothing) : joined(chunks, size);
    const encoding = headers.contentEncoding?.trim().toLowerCase() ?? '';
    if (encoding === '' || encoding === 'identity') done(undefined, body);
    else decompress(encoding, body, bytesMax, done);
  });
}
