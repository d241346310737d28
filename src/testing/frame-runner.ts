/**
 * A replica as control and gateway see one, without a model: it speaks frames, passes through the states that it is
 * told to, answers `status`, and can be made to fail, freeze or vanish. It infers nothing.
 */
import { rmSync } from 'node:fs';
import net from 'node:net';
import { openFrameConnection, type FrameConnection } from '../protocol/frames/connection.ts';
import type { HelloHeader, ReplicaState } from '../protocol/frames/messages.ts';
import type { ModelSignature } from '../protocol/tensor.ts';
import type { RunnerLaunch } from '../runner/launch.ts';

export interface FrameRunner extends AsyncDisposable {
  enter(state: ReplicaState): void;
  /** From now on it takes what is sent and says nothing. */
  freeze(): void;
}

export const emptySignature: ModelSignature = { inputs: [], outputs: [], batchable: false };

export interface FrameRunnerOptions {
  /** Milliseconds until ready; absent means that `enter` decides. */
  readonly readyAfterMs?: number;
  /** In place of ready: the load fails with these words. */
  readonly failWith?: string;
}

/** About what a runner with a small model holds. */
const residentBytes = 140 * 1_048_576;

export async function startFrameRunner(launch: RunnerLaunch, options: FrameRunnerOptions): Promise<FrameRunner> {
  if (launch.listen.kind !== 'unix') throw new TypeError('expected a Unix socket to listen on');
  const connections = new Set<FrameConnection>();
  let state: ReplicaState = { kind: 'loading' };
  let frozen = false;
  const facts = { signature: emptySignature, costCurve: [{ rows: 1, ms: 1 }], stages: { loadMs: 1, warmMs: 1 } };

  const server = net.createServer((socket) => {
    const connection = openFrameConnection(
      socket,
      {
        onFrame(...[kind, header]) {
          if (kind !== 'status' || frozen) return;
          const { ask } = header;
          connection.send('statusReply', { ask, state, inFlight: 0, residentBytes, cpuSeconds: 0, inferences: 0 });
        },
        onClose: () => connections.delete(connection),
      },
      { frameBytesMax: 65_536 },
    );
    connections.add(connection);
    const hello: HelloHeader = {
      replica: launch.replica,
      pid: process.pid,
      model: launch.model,
      version: launch.version,
      digest: launch.digest,
      state,
      platform: 'simulated',
      takesFiles: false,
      ...(state.kind === 'loading' ? {} : facts),
    };
    if (!frozen) connection.send('hello', hello);
  });
  rmSync(launch.listen.path, { force: true });
  const { path } = launch.listen;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });

  function enter(next: ReplicaState): void {
    state = next;
    for (const connection of connections) connection.send('state', { state, ...facts });
  }
  const { readyAfterMs, failWith } = options;
  const timer =
    readyAfterMs === undefined
      ? undefined
      : setTimeout(
          () =>
            enter(
              failWith === undefined
                ? { kind: 'ready' }
                : { kind: 'failed', code: 'MODEL_LOAD_FAILED', message: failWith },
            ),
          readyAfterMs,
        );

  return {
    enter,
    freeze() {
      frozen = true;
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      for (const connection of connections) connection.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
