/**
 * The runner's door for gateway and control: frames over a Unix socket or TCP. It turns frames into calls and answers
 * into frames; it knows nothing of models.
 * Invariant: a call is answered on its own connection or not at all; a connection that goes takes its waiting calls along.
 */
import { readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import { FlyballError, toFlyballError } from '../errors.ts';
import { viewedFrameBytesMax } from '../protocol/frames/codec.ts';
import { openFrameConnection, type FrameConnection } from '../protocol/frames/connection.ts';
import type {
  FrameTensor,
  HelloHeader,
  InferHeader,
  ResultHeader,
  StateHeader,
  StatusReplyHeader,
} from '../protocol/frames/messages.ts';
import type { Tensor } from '../protocol/tensor.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import type { CallAnswer, RunnerCall } from './call.ts';
import type { RunnerLaunch } from './launch.ts';

export interface FrameService {
  hello(): HelloHeader;
  status(): Omit<StatusReplyHeader, 'ask'>;
  /** Returns the cancel; throws an error of the catalogue when the call is refused. */
  submit(call: RunnerCall, done: (answer: CallAnswer) => void): () => boolean;
  drain(deadlineMs: number): void;
  /** The token under which somebody asks or sends work. */
  hear(epoch: number): void;
  /** Throws STALE_TABLE where work under this token is not taken any more. */
  admit(epoch: number): void;
}

export interface FrameServer extends AsyncDisposable {
  /** The port, where it listens on one. */
  readonly port?: number;
  /** To every connection. */
  broadcast(state: StateHeader): void;
  /** Shown to whoever connects from now on, where it listens with TLS; connections that are open go on. */
  renew(identity: PeerIdentity): void;
}

export interface FrameServerLimits {
  readonly frameBytesMax: number;
  readonly connectionsMax: number;
}

/** How long the last answers may take to leave when the server closes. */
const flushMs = 1000;

export async function serveFrames(
  listen: RunnerLaunch['listen'],
  service: FrameService,
  limits: FrameServerLimits,
): Promise<FrameServer> {
  const open = new Set<FrameConnection>();
  const serve = (socket: Socket): void => {
    // A list, not a map: there are a few at most, and a map that is entered and left keeps old ones alive (see Slots).
    const waiting: { readonly call: number; readonly cancel: () => boolean }[] = [];
    const leave = (call: number): void => {
      const index = waiting.findIndex((one) => one.call === call);
      if (index >= 0) waiting.splice(index, 1);
    };
    const connection = openFrameConnection(
      socket,
      {
        onFrame(kind, header, body) {
          switch (kind) {
            case 'infer':
              infer(header, body);
              break;
            case 'cancel':
              cancel(header.call);
              break;
            case 'status':
              service.hear(header.epoch ?? 0);
              connection.send('statusReply', { ask: header.ask, ...service.status() });
              break;
            case 'drain':
              service.drain(header.deadlineMs);
              break;
            case 'hello':
            case 'state':
            case 'result':
            case 'statusReply':
              throw new FlyballError('PROTOCOL', `a runner says ${kind}, nobody says it to a runner`);
          }
        },
        onClose() {
          open.delete(connection);
          for (const { cancel } of waiting.splice(0)) cancel();
        },
      },
      limits,
    );

    function infer(header: InferHeader, body: Uint8Array): void {
      const { call } = header;
      try {
        service.admit(header.epoch ?? 0);
        const cancel = service.submit(toCall(header, body), (answer) => {
          leave(call);
          sendAnswer(connection, call, answer);
        });
        waiting.push({ call, cancel });
      } catch (thrown) {
        const error = toFlyballError(thrown);
        if (error.code === 'PROTOCOL') throw error;
        sendAnswer(connection, call, { kind: 'failed', error });
      }
    }

    /** Too late it does nothing: the answer is on its way then. In time it is answered, so that its caller's slot is free. */
    function cancel(call: number): void {
      if (waiting.find((one) => one.call === call)?.cancel() !== true) return;
      leave(call);
      const error = new FlyballError('CANCELLED', 'the call was cancelled before it was computed');
      sendAnswer(connection, call, { kind: 'failed', error });
    }

    open.add(connection);
    connection.send('hello', service.hello());
  };
  const { server, renew = () => {} } = await serverFor(listen, serve);
  server.maxConnections = limits.connectionsMax;
  await listenOn(server, listen);
  const address = server.address();

  return {
    ...(typeof address === 'object' && address !== null ? { port: address.port } : {}),
    broadcast(state) {
      for (const connection of open) connection.send('state', state);
    },
    renew,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const connection of open) connection.close();
      const timer = setTimeout(() => {
        for (const connection of open) connection.destroy();
      }, flushMs);
      await closed.promise;
      clearTimeout(timer);
    },
  };
}

function toCall(header: InferHeader, body: Uint8Array): RunnerCall {
  const { payload, outputs, items } = header;
  const wanted = outputs === undefined ? {} : { outputs };
  if (payload.kind === 'files') {
    return { items, payload: { kind: 'files', files: cut(payload.parts, body) }, ...wanted };
  }
  // The runtime takes the buffer away. A long frame has one of its own; a short one shares it with others.
  const own = body.byteLength > viewedFrameBytesMax ? body : new Uint8Array(body);
  const bytes = cut(payload.parts, own);
  const inputs = payload.parts.map(({ name, datatype, shape }, index): Tensor => ({
    name,
    datatype,
    shape,
    bytes: bytes[index] as Uint8Array,
  }));
  return { items, payload: { kind: 'tensors', inputs }, ...wanted };
}

function cut(parts: readonly FrameTensor[], body: Uint8Array): Uint8Array[] {
  let at = 0;
  const pieces = parts.map(({ byteLength }) => {
    at += byteLength;
    return body.subarray(at - byteLength, at);
  });
  if (at !== body.length) {
    throw new FlyballError('PROTOCOL', `expected a body of ${at} bytes, as its header says, got ${body.length}`);
  }
  return pieces;
}

function sendAnswer(connection: FrameConnection, call: number, answer: CallAnswer): void {
  if (answer.kind === 'failed') {
    const { code, message } = answer.error;
    connection.send('result', { call, error: { code, message } });
    return;
  }
  const header: ResultHeader = {
    call,
    ...(answer.failed.length === 0 ? {} : { failed: answer.failed }),
    outputs: answer.outputs.map(({ name, datatype, shape, bytes }) => ({
      name,
      datatype,
      shape,
      byteLength: bytes.length,
    })),
    ...(answer.readable === undefined ? {} : { readable: answer.readable }),
    inputMs: answer.inputMs,
    computeMs: answer.computeMs,
    ...(answer.waitMs === undefined ? {} : { waitMs: answer.waitMs }),
  };
  connection.send(
    'result',
    header,
    answer.outputs.map((output) => output.bytes),
  );
}

interface Listening {
  readonly server: Server;
  readonly renew?: (identity: PeerIdentity) => void;
}

async function serverFor(listen: RunnerLaunch['listen'], serve: (socket: Socket) => void): Promise<Listening> {
  if (listen.kind === 'unix') return { server: createServer(serve) };
  if (listen.tls !== undefined) {
    const { certificate, key, authority } = listen.tls;
    const [own, ownKey, trusted] = [certificate, key, authority].map((pem) =>
      pem.startsWith('-----BEGIN') ? pem : readFileSync(pem, 'utf8'),
    );
    // Read only here: on one machine no replica needs it, and each would pay for it at its start.
    const { doorOptions, peerServer } = await import('../tls/peer.ts');
    const server: TlsServer = peerServer({ certificate: own!, key: ownKey!, authority: trusted! }, serve);
    return { server, renew: (identity) => server.setSecureContext(doorOptions(identity)) };
  }
  if (/^(?:localhost$|::1$|127\.)/.test(listen.host)) return { server: createServer(serve) };
  throw new FlyballError(
    'LISTENER_NOT_LOOPBACK',
    `frames over TCP would be taken from anybody who reaches ${listen.host}: expected listen.tls`,
  );
}

async function listenOn(server: Server, listen: RunnerLaunch['listen']): Promise<void> {
  const once = (): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(listen.kind === 'unix' ? listen.path : { host: listen.host, port: listen.port }, () => {
      server.off('error', reject);
      resolve();
    });
    return promise;
  };
  const where = listen.kind === 'unix' ? listen.path : `${listen.host}:${listen.port}`;
  try {
    await once();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
      throw new FlyballError('INTERNAL', `could not listen on ${where}: ${(cause as Error).message}`, { cause });
    }
    if (listen.kind === 'tcp' || (await answers(listen.path))) {
      throw new FlyballError('PORT_IN_USE', `another process listens on ${where}`, { cause });
    }
    // A runner that was killed leaves its socket behind; nobody is at the other end.
    rmSync(listen.path, { force: true });
    await once();
  }
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
