/** What every kind of call does with its HTTP/2 stream: see whether it is over, fail in its headers, ignore the rest. */
import type { ServerHttp2Stream } from 'node:http2';
import { failureHeaders, headersOf, type Ending, type Trace } from './call.ts';

/** A stream that the caller has reset is closed before it is destroyed, and answering it would throw. */
export const isOver = (stream: ServerHttp2Stream): boolean => stream.destroyed || stream.closed;

/** A failure before anything was sent: headers that are trailers at the same time, and no interest in the rest. */
export function endInHeaders(stream: ServerHttp2Stream, ending: Ending, trace?: Trace): void {
  if (isOver(stream) || stream.headersSent) return;
  stream.respond({ ...headersOf(trace), ...failureHeaders(ending) }, { endStream: true });
  discard(stream);
}

/** What a caller may still send of a call that has been answered, before the stream is closed under it. */
const discardedBytesMax = 262_144;
/** … and for how long it may say nothing: what is left open would count among the streams of its connection for ever. */
const discardIdleMs = 1000;

export function discard(stream: ServerHttp2Stream): void {
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > discardedBytesMax) stream.close();
  });
  stream.setTimeout(discardIdleMs, () => stream.close());
  stream.resume();
}
