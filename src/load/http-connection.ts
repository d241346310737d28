/**
 * One HTTP/1.1 connection that sends prepared bytes and reads one answer at a time. It is a measuring instrument, not a
 * client: `node:http` would cost the machine several times as much per request as what is measured on a small model.
 * It understands Content-Length and chunked bodies, and nothing else that a load on our own API does not need.
 * Invariant: one exchange at a time; a body is kept (up to a limit) only where its beginning says why something failed.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

export interface Answer {
  readonly status: number;
  /** Beginning of the body of an answer that is not 2xx; empty otherwise. */
  readonly text: string;
  /** Its head, where the answer is not 2xx: `Retry-After` stands there. */
  readonly head: string;
}

export interface HttpConnection {
  exchange(request: Uint8Array): Promise<Answer>;
  /** An answer may come before the request has been sent: what is sent next would wait for the rest of it. */
  readonly sending: boolean;
  close(): void;
}

export interface HttpAddress {
  readonly host: string;
  readonly port: number;
  /** Present for https. */
  readonly tls?: ConnectionOptions | undefined;
}

const headBytesMax = 64 * 1024;
const keptBytesMax = 4096;
const headEnd = Buffer.from('\r\n\r\n');

type Body =
  | { readonly kind: 'length'; left: number }
  /** `left` counts the bytes of a chunk with its line end; 0 means that a size line comes next. */
  | { readonly kind: 'chunked'; left: number; last: boolean };

interface Pending {
  readonly request: Uint8Array;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  /** Whether a second attempt on a fresh connection may still be made. */
  retry: boolean;
}

export function httpConnection({ host, port, tls }: HttpAddress): HttpConnection {
  let socket: Socket | undefined;
  let pending: Pending | undefined;
  /** Bytes that could not be read yet: an unfinished head or an unfinished size line. */
  let rest: Buffer = Buffer.alloc(0);
  let status = 0;
  let keptHead = '';
  let keep = false;
  let closes = false;
  let kept: Buffer[] = [];
  let body: Body | undefined;

  function open(): Socket {
    const opened =
      tls === undefined
        ? connect({ host, port, noDelay: true })
        : connectTls({ ...tls, host, port, ...(isIP(host) === 0 && { servername: host }) });
    opened.setNoDelay(true);
    opened.on('data', (chunk) => {
      try {
        read(chunk);
      } catch (error) {
        opened.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    opened.on('error', (error) => lost(opened, error));
    opened.on('close', () => lost(opened, new Error('the server closed the connection before it had answered')));
    return opened;
  }

  function lost(which: Socket, error: Error): void {
    if (socket !== which) return;
    socket = undefined;
    const failed = pending;
    if (failed === undefined) return;
    // A server may close an idle connection just as it is used again: nothing came back, so the request is sent anew.
    const untouched = rest.length === 0 && body === undefined;
    reset();
    if (failed.retry && untouched) {
      failed.retry = false;
      start(failed);
      return;
    }
    pending = undefined;
    failed.reject(error);
  }

  function reset(): void {
    rest = Buffer.alloc(0);
    body = undefined;
    kept = [];
  }

  function start(next: Pending): void {
    pending = next;
    next.retry &&= socket !== undefined;
    socket ??= open();
    socket.write(next.request);
  }

  function read(chunk: Buffer): void {
    let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    rest = Buffer.alloc(0);
    if (body === undefined) {
      const end = data.indexOf(headEnd);
      if (end === -1) {
        if (data.length > headBytesMax) throw new Error(`an answer's head has more than ${headBytesMax} bytes`);
        rest = data;
        return;
      }
      body = readHead(data.toString('latin1', 0, end));
      data = data.subarray(end + headEnd.length);
    }
    if (body.kind === 'length') {
      const taken = Math.min(body.left, data.length);
      keepSome(data.subarray(0, taken));
      body.left -= taken;
      if (body.left === 0) finish();
      return;
    }
    readChunks(body, data);
  }

  function readHead(head: string): Body {
    const line = /^HTTP\/1\.[01] (\d{3})/.exec(head);
    if (line === null) throw new Error(`expected an HTTP/1.1 answer, got ${JSON.stringify(head.slice(0, 40))}`);
    status = Number(line[1]);
    keep = status >= 300;
    keptHead = keep ? head : '';
    closes = /\r\nconnection: *close/i.test(head);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (length !== null) return { kind: 'length', left: Number(length[1]) };
    if (/\r\ntransfer-encoding: *chunked/i.test(head)) return { kind: 'chunked', left: 0, last: false };
    if (status === 204 || status === 304) return { kind: 'length', left: 0 };
    throw new Error('expected an answer with Content-Length or chunked');
  }

  function readChunks(chunked: Extract<Body, { kind: 'chunked' }>, received: Buffer): void {
    let data = received;
    while (data.length > 0) {
      if (chunked.left === 0) {
        const end = data.indexOf('\r\n');
        if (end === -1) {
          rest = data;
          return;
        }
        const size = Number.parseInt(data.toString('latin1', 0, end), 16);
        if (!Number.isInteger(size)) throw new Error('expected the size of a chunk in hexadecimal');
        chunked.last = size === 0;
        chunked.left = size + 2;
        data = data.subarray(end + 2);
        continue;
      }
      const taken = Math.min(chunked.left, data.length);
      keepSome(data.subarray(0, Math.min(taken, Math.max(0, chunked.left - 2))));
      chunked.left -= taken;
      data = data.subarray(taken);
      if (chunked.left === 0 && chunked.last) {
        finish();
        return;
      }
    }
  }

  function keepSome(bytes: Buffer): void {
    const size = kept.reduce((sum, each) => sum + each.length, 0);
    if (keep && size < keptBytesMax) kept.push(Buffer.from(bytes.subarray(0, keptBytesMax - size)));
  }

  function finish(): void {
    const done = pending;
    const text = keep ? Buffer.concat(kept).toString('utf8') : '';
    pending = undefined;
    reset();
    if (closes) {
      const old = socket;
      socket = undefined;
      old?.destroy();
    }
    done?.resolve({ status, text, head: keptHead });
  }

  return {
    get sending() {
      return (socket?.writableLength ?? 0) > 0;
    },
    exchange(request) {
      if (pending !== undefined) throw new Error('one exchange at a time on a connection');
      return new Promise((resolve, reject) => start({ request, resolve, reject, retry: true }));
    },
    close() {
      const old = socket;
      socket = undefined;
      old?.destroy();
      const left = pending;
      pending = undefined;
      reset();
      left?.reject(new Error('the connection was closed by this side'));
    },
  };
}
