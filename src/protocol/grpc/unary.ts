/**
 * A call of one message in and one out. The hot path of the whole adapter: no stream iteration, no timer, no copy of
 * what came, one write of what goes. Invariant: the call ends exactly once, by its answer, its failure or a reset.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { grpcStatus } from '../../errors.ts';
import { callHeaders, failureHeaders, toEnding, type Ending } from './call.ts';
import { decompress, GrpcFailure, openFrameReader, type Frame } from './framing.ts';
import type { RunningCall } from './streaming.ts';

export interface UnaryMethod {
  readonly messageBytesMax: number;
  /** Pieces of the one frame that answers. */
  answer(
    message: Buffer,
    headers: IncomingHttpHeaders,
    signal: AbortSignal,
  ): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
}

export interface RunningUnary extends RunningCall {
  /** False while the caller's message is still on its way. */
  readonly arrived: boolean;
}

const okTrailers: OutgoingHttpHeaders = Object.freeze({ 'grpc-status': '0' });

function sendOkTrailers(this: ServerHttp2Stream): void {
  this.sendTrailers(okTrailers);
}

const withTrailers = { waitForTrailers: true };

export function runUnary(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, method: UnaryMethod): RunningUnary {
  const reader = openFrameReader(method.messageBytesMax);
  const hangUp = new AbortController();
  let frame: Frame | undefined;
  let arrived = false;
  let ended = false;

  const fail = (ending: Ending): void => {
    if (ended || stream.destroyed) return;
    ended = true;
    endInHeaders(stream, ending);
    hangUp.abort();
  };
  const failed = (thrown: unknown): void => fail(toEnding(thrown));

  const succeed = (pieces: readonly Uint8Array[]): void => {
    if (ended || stream.destroyed) return;
    ended = true;
    stream.respond(callHeaders, withTrailers);
    stream.on('wantTrailers', sendOkTrailers);
    if (pieces.length === 1) {
      stream.end(pieces[0]);
      return;
    }
    stream.cork();
    for (const piece of pieces) stream.write(piece);
    stream.end();
    stream.uncork();
  };

  const answer = (message: Buffer): void => {
    const answered = method.answer(message, headers, hangUp.signal);
    if (answered instanceof Promise) answered.then(succeed, failed);
    else succeed(answered);
  };

  stream.on('data', (chunk: Buffer) => {
    if (ended) return;
    try {
      for (const each of reader.push(chunk)) {
        if (frame !== undefined) throw new GrpcFailure(grpcStatus.UNIMPLEMENTED, 'expected one message, got more');
        frame = each;
      }
    } catch (thrown) {
      failed(thrown);
    }
  });
  stream.on('end', () => {
    arrived = true;
    if (ended) return;
    try {
      if (frame === undefined || reader.pendingBytes > 0) {
        throw new GrpcFailure(grpcStatus.INTERNAL, 'expected one whole message, got less');
      }
      if (frame.compressed) {
        const encoding = headers['grpc-encoding'] as string | undefined;
        decompress(frame, encoding, method.messageBytesMax).then(answer).catch(failed);
      } else answer(frame.message);
    } catch (thrown) {
      failed(thrown);
    }
  });
  stream.on('close', () => {
    if (ended) return;
    ended = true;
    hangUp.abort();
  });
  return {
    end: fail,
    get arrived() {
      return arrived;
    },
  };
}

/** A failure before anything was sent: headers that are trailers at the same time, and no interest in the rest. */
export function endInHeaders(stream: ServerHttp2Stream, ending: Ending): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond({ ...callHeaders, ...failureHeaders(ending) }, { endStream: true });
  discard(stream);
}

/** What a caller may still send of a call that has been answered, before the stream is closed under it. */
const discardedBytesMax = 262_144;

export function discard(stream: ServerHttp2Stream): void {
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > discardedBytesMax) stream.close();
  });
  stream.resume();
}
