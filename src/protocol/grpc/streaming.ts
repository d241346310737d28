/**
 * A call whose two sides are streams: frames in one at a time, frames out as the other side takes them.
 * Invariant: while a message is being taken no further one is read, so a call holds a bounded number of them.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { failureHeaders, headersOf, openTrace, toEnding, type Ending, type Trace } from './call.ts';
import { decompress, openFrameReader, type Frame } from './framing.ts';
import { discard, isOver } from './stream.ts';

export interface StreamingCall {
  readonly headers: IncomingHttpHeaders;
  /** Of a method that is traced: all messages of a stream belong to one. */
  readonly trace: Trace | undefined;
  /** Aborts when the caller hangs up. */
  readonly signal: AbortSignal;
  /** Aborts when the server begins to drain. */
  readonly draining: AbortSignal;
  /** Resolves when there is room for more; at once when the call is over. */
  send(pieces: readonly Uint8Array[]): Promise<void> | undefined;
  /** Ends with OK unless told otherwise; the second end of a call does nothing. */
  end(ending?: Ending): void;
}

export interface StreamingMethod {
  readonly messageBytesMax: number;
  readonly traced?: boolean;
  open(call: StreamingCall): {
    /** The next message is read when the promise, if there is one, has resolved. A throw ends the call. */
    message(bytes: Buffer): Promise<void> | undefined;
    /** The caller sends no more; when this has resolved the call ends with OK, unless it is undefined. */
    end(): Promise<void> | undefined;
  };
}

export interface RunningCall {
  /** Ends the call from outside, for good. */
  end(ending: Ending): void;
  /** When the call came whose message is still on its way; undefined where none is waited for. */
  readonly arrivingSince: number | undefined;
}

export function runStreaming(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  method: StreamingMethod,
  draining: AbortSignal,
): RunningCall {
  const hangUp = new AbortController();
  const reader = openFrameReader(method.messageBytesMax);
  const encoding = headers['grpc-encoding'] as string | undefined;
  let ended = false;

  const end = (ending?: Ending): void => {
    if (ended || isOver(stream)) return;
    ended = true;
    stream.once('wantTrailers', () => {
      if (!isOver(stream)) stream.sendTrailers(ending === undefined ? { 'grpc-status': '0' } : failureHeaders(ending));
    });
    stream.end();
    discard(stream);
    hangUp.abort();
  };

  const trace = method.traced === true ? openTrace(headers) : undefined;
  const call: StreamingCall = {
    headers,
    trace,
    signal: hangUp.signal,
    draining,
    send(pieces) {
      if (ended || isOver(stream)) return undefined;
      stream.cork();
      let room = true;
      for (const piece of pieces) room = stream.write(piece);
      stream.uncork();
      return room ? undefined : roomIn(stream);
    },
    end,
  };

  stream.respond(headersOf(trace), { waitForTrailers: true });
  stream.once('close', () => {
    ended = true;
    hangUp.abort();
  });

  let consumer: ReturnType<StreamingMethod['open']>;
  try {
    consumer = method.open(call);
  } catch (thrown) {
    end(toEnding(thrown));
    return { end, arrivingSince: undefined };
  }
  const consume = async (frames: readonly Frame[]): Promise<void> => {
    for (const frame of frames) {
      const bytes = frame.compressed ? await decompress(frame, encoding, method.messageBytesMax) : frame.message;
      if (ended) return;
      await consumer.message(bytes);
    }
  };
  const failed = (thrown: unknown): void => end(toEnding(thrown));
  stream.on('data', (chunk: Buffer) => {
    if (ended) return;
    try {
      const frames = reader.push(chunk);
      if (frames.length === 0) return;
      stream.pause();
      consume(frames).then(() => stream.resume(), failed);
    } catch (thrown) {
      failed(thrown);
    }
  });
  stream.once('end', () => {
    consumer.end()?.then(() => end(), failed);
  });
  return { end, arrivingSince: undefined };
}

function roomIn(stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.on('drain', done);
    stream.on('close', done);
  });
}
