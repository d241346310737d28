/**
 * A call of one message in and one out. The hot path of the whole adapter: no stream iteration, no timer, no copy of
 * what came, one write of what goes. Invariant: the call ends exactly once, by its answer, its failure or a reset.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { grpcStatus } from '../../errors.ts';
import { HangUp, type HangUpSignal } from '../hang-up.ts';
import { headersOf, openTrace, toEnding, type Ending, type Trace } from './call.ts';
import { decompress, GrpcFailure, openFrameReader, wholeFrame, type Frame, type FrameReader } from './framing.ts';
import { endInHeaders, isOver } from './stream.ts';
import type { RunningCall } from './streaming.ts';

export interface UnaryMethod {
  readonly messageBytesMax: number;
  /** An inference: it belongs to a trace, and its answer names it. */
  readonly traced?: boolean;
  /** Pieces of the one frame that answers. */
  answer(
    message: Buffer,
    headers: IncomingHttpHeaders,
    signal: HangUpSignal,
    stream: ServerHttp2Stream,
    trace?: Trace,
  ): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
}

const okTrailers: OutgoingHttpHeaders = Object.freeze({ 'grpc-status': '0' });

function sendOkTrailers(this: ServerHttp2Stream): void {
  if (!isOver(this)) this.sendTrailers(okTrailers);
}

const withTrailers = { waitForTrailers: true };

export function runUnary(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  method: UnaryMethod,
  since: number,
): RunningCall {
  let reader: FrameReader | undefined;
  const hangUp = new HangUp();
  let frame: Frame | undefined;
  let arrived = false;
  let ended = false;
  const trace = method.traced === true ? openTrace(headers) : undefined;

  const fail = (ending: Ending): void => {
    if (ended || isOver(stream)) return;
    ended = true;
    endInHeaders(stream, ending, trace);
    hangUp.abort();
  };
  const failed = (thrown: unknown): void => fail(toEnding(thrown));

  const succeed = (pieces: readonly Uint8Array[]): void => {
    if (ended || isOver(stream)) return;
    ended = true;
    stream.respond(headersOf(trace), withTrailers);
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
    const answered = method.answer(message, headers, hangUp, stream, trace);
    if (answered instanceof Promise) answered.then(succeed, failed);
    else succeed(answered);
  };

  stream.on('data', (chunk: Buffer) => {
    if (ended) return;
    try {
      if (reader === undefined && frame === undefined) {
        frame = wholeFrame(chunk, method.messageBytesMax);
        if (frame !== undefined) return;
      }
      reader ??= openFrameReader(method.messageBytesMax);
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
      if (frame === undefined || (reader?.pendingBytes ?? 0) > 0) {
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
    get arrivingSince() {
      return arrived || ended ? undefined : since;
    },
  };
}
