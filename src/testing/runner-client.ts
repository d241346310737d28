/** The gateway's end of a runner's socket, for tests: waits for states, asks, and gives whole answers. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { openFrameConnection, type FrameConnection } from '../protocol/frames/connection.ts';
import type {
  HelloHeader,
  InferHeader,
  ReplicaState,
  ResultHeader,
  StateHeader,
  StatusReplyHeader,
} from '../protocol/frames/messages.ts';
import type { RunnerLaunch } from '../runner/launch.ts';

export interface RunnerClient extends Disposable {
  readonly connection: FrameConnection;
  readonly hello: HelloHeader;
  /** Every state since the connection, the one of `hello` first. */
  readonly states: readonly StateHeader[];
  /** The first message, past or future, in which the runner is in this state; rejects when the connection closes. */
  reached(kind: ReplicaState['kind']): Promise<StateHeader>;
  infer(
    header: Omit<InferHeader, 'call'>,
    parts?: readonly Uint8Array[],
  ): Promise<{ header: ResultHeader; body: Buffer }>;
  status(): Promise<StatusReplyHeader>;
  readonly closed: Promise<Error | undefined>;
}

export async function connectRunner(listen: RunnerLaunch['listen']): Promise<RunnerClient> {
  const socket = connect(listen.kind === 'unix' ? { path: listen.path } : { host: listen.host, port: listen.port });
  await once(socket, 'connect');
  const states: StateHeader[] = [];
  const waiting: { kind: ReplicaState['kind']; settle: PromiseWithResolvers<StateHeader> }[] = [];
  const calls = new Map<number, PromiseWithResolvers<{ header: ResultHeader; body: Buffer }>>();
  const asks = new Map<number, PromiseWithResolvers<StatusReplyHeader>>();
  const hello = Promise.withResolvers<HelloHeader>();
  const closed = Promise.withResolvers<Error | undefined>();
  let numbers = 0;

  function see(state: StateHeader): void {
    states.push(state);
    for (const { settle } of waiting.filter(({ kind }) => kind === state.state.kind)) settle.resolve(state);
  }

  const connection = openFrameConnection(
    socket,
    {
      onFrame(...[kind, header, body]) {
        if (kind === 'hello') {
          hello.resolve(header);
          see(header);
        } else if (kind === 'state') see(header);
        else if (kind === 'result') calls.get(header.call)?.resolve({ header, body: Buffer.from(body) });
        else if (kind === 'statusReply') asks.get(header.ask)?.resolve(header);
      },
      onClose(error) {
        closed.resolve(error);
        const gone = new Error('the runner closed the connection', { cause: error });
        for (const { settle } of waiting) settle.reject(gone);
        for (const call of calls.values()) call.reject(gone);
      },
    },
    { frameBytesMax: 1 << 30 },
  );

  return {
    connection,
    hello: await hello.promise,
    states,
    reached(kind) {
      const past = states.find(({ state }) => state.kind === kind);
      if (past !== undefined) return Promise.resolve(past);
      const settle = Promise.withResolvers<StateHeader>();
      waiting.push({ kind, settle });
      return settle.promise;
    },
    infer(header, parts = []) {
      const call = (numbers += 1);
      const settle = Promise.withResolvers<{ header: ResultHeader; body: Buffer }>();
      calls.set(call, settle);
      connection.send('infer', { ...header, call }, parts);
      return settle.promise;
    },
    status() {
      const ask = (numbers += 1);
      const settle = Promise.withResolvers<StatusReplyHeader>();
      asks.set(ask, settle);
      connection.send('status', { ask });
      return settle.promise;
    },
    closed: closed.promise,
    [Symbol.dispose]() {
      connection.destroy();
    },
  };
}

/** Waits until something listens on a Unix socket; a process that was just started does not yet. */
export async function untilConnected(path: string, deadlineMs = 10_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    } finally {
      socket.destroy();
    }
  }
}
