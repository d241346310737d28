/**
 * Frames over one socket, for both ends alike. It matches no calls and keeps no time: it sends, receives and says when
 * the socket is gone. Whatever breaks the grammar destroys the connection with a PROTOCOL error.
 * Invariant: `onClose` is called exactly once, and no frame is given after it.
 */
import type { Socket } from 'node:net';
import { FlyballError } from '../../errors.ts';
import { encodeHead, makeFrameDecoder, type FrameArguments } from './codec.ts';
import type { FrameHeaders, FrameKind } from './messages.ts';

export interface FrameHandlers {
  /** `body` may be a view of a larger buffer that nobody else writes to. */
  onFrame(...frame: FrameArguments): void;
  /** With the reason when the socket did not simply end between two frames. */
  onClose(error?: Error): void;
  /** What was waiting to be sent is gone, after a `send` that returned false. */
  onDrain?(): void;
}

export interface FrameLimits {
  /** Bytes of a received frame, its length field not counted. */
  readonly frameBytesMax: number;
}

export interface FrameConnection {
  /**
   * Sends one frame whose body is `parts` one after another; the parts must not be changed afterwards.
   * False: more waits than the socket's buffer takes, so the caller should pause. On a closed connection it does nothing.
   */
  send<Kind extends FrameKind>(kind: Kind, header: FrameHeaders[Kind], parts?: readonly Uint8Array[]): boolean;
  /** Ends the connection after what was sent. */
  close(): void;
  /** Ends it at once; `error` is what `onClose` gets. */
  destroy(error?: Error): void;
}

/** Bodies up to this are copied behind their header: cheaper than one more entry in a writev. */
const copiedBodyBytesMax = 8192;

export function openFrameConnection(socket: Socket, handlers: FrameHandlers, limits: FrameLimits): FrameConnection {
  let failure: Error | undefined;
  let open = true;
  let corked = false;

  const decoder = makeFrameDecoder(limits.frameBytesMax, (...frame) => {
    if (open) handlers.onFrame(...frame);
  });

  function destroy(error?: Error): void {
    failure ??= error;
    open = false;
    socket.destroy();
  }

  function uncork(): void {
    corked = false;
    socket.uncork();
  }

  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => {
    try {
      decoder.push(chunk);
    } catch (thrown) {
      destroy(thrown instanceof Error ? thrown : new FlyballError('PROTOCOL', String(thrown)));
    }
  });
  socket.on('error', (error) => {
    failure ??= error;
  });
  socket.on('drain', () => handlers.onDrain?.());
  socket.once('close', () => {
    open = false;
    if (failure === undefined && decoder.partial) {
      failure = new FlyballError('PROTOCOL', 'the connection ended in the middle of a frame');
    }
    handlers.onClose(failure);
  });

  return {
    send(kind, header, parts) {
      if (!open || !socket.writable) return false;
      // Everything that is sent in one turn of the event loop leaves in one system call.
      if (!corked) {
        corked = true;
        socket.cork();
        process.nextTick(uncork);
      }
      if (parts === undefined || parts.length === 0) return socket.write(encodeHead(kind, header, 0));
      let bodyBytes = 0;
      for (const part of parts) bodyBytes += part.length;
      if (bodyBytes <= copiedBodyBytesMax) {
        const frame = encodeHead(kind, header, bodyBytes, bodyBytes);
        let at = frame.length - bodyBytes;
        for (const part of parts) {
          frame.set(part, at);
          at += part.length;
        }
        return socket.write(frame);
      }
      let room = socket.write(encodeHead(kind, header, bodyBytes));
      for (const part of parts) if (part.length > 0) room = socket.write(part);
      return room;
    },
    close() {
      socket.end();
    },
    destroy,
  };
}
