/** A replica without control or gateway, for tests of what starts one: an order, what it says at its address, a call to it. */
import type { ReplicaOrder } from '../control/orchestrator.ts';
import type { ReplicaAddress } from '../gateway/routing-table.ts';
import { openFrameConnection } from '../protocol/frames/connection.ts';
import type { ResultHeader } from '../protocol/frames/messages.ts';
import { connectToReplica, type PeerIdentity } from '../tls/peer.ts';
import { emptySignature } from './frame-runner.ts';

/** What is different of its launch; two of the same version are of one template. */
export type LaunchChanges = Partial<Pick<ReplicaOrder['launch'], 'digest' | 'runtime' | 'version'>>;

export function orderOf(id: string, more: LaunchChanges = {}): ReplicaOrder {
  const runtime = { kind: 'simulated', signature: emptySignature, serviceMs: 0, serviceMsPerRow: 0 } as const;
  const warmUp = { batchSizes: [1], budgetMs: 0, samples: [] };
  const launch = { replica: id, model: 'm', version: '1', digest: 'sha256:0', runtime, warmUp, ...more };
  return { id, deployment: 'm', launch, resources: {} };
}

const frameBytesMax = 65_536;

/** The first state in which the replica at the address says that it is; undefined while nobody answers. */
export async function stateAt(address: ReplicaAddress, identity?: PeerIdentity): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connectToReplica(address, 'a-1', identity);
  const connection = openFrameConnection(
    socket,
    {
      onFrame(...[kind, header]) {
        if (kind === 'hello') resolve(header.state.kind);
      },
      onClose: () => resolve(undefined),
    },
    { frameBytesMax },
  );
  const state = await promise;
  connection.destroy();
  return state;
}

/** Each row of a call to a replica of this runtime takes a tenth of a second. */
export const slowRowMs = 100;
export const slowRuntime = {
  kind: 'simulated',
  signature: {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
    batchable: true,
  },
  serviceMs: 0,
  serviceMsPerRow: slowRowMs,
} as const;

export interface LoneCall {
  /** The replica has it, or is gone. */
  readonly taken: Promise<void>;
  /** Undefined: the connection ended without one. */
  readonly answer: Promise<ResultHeader | undefined>;
}

/** To a replica of {@link slowRuntime}. */
export function callAt(address: ReplicaAddress, rows: number, identity?: PeerIdentity): LoneCall {
  const taken = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<ResultHeader | undefined>();
  const body = new Uint8Array(rows * 4);
  const part = { name: 'x', datatype: 'FP32', shape: [rows, 1], byteLength: body.byteLength } as const;
  const connection = openFrameConnection(
    connectToReplica(address, 'a-1', identity),
    {
      onFrame(...[kind, header]) {
        if (kind === 'hello') {
          const items = [{ rows, requestId: 'r-1' }];
          connection.send('infer', { call: 1, items, payload: { kind: 'tensors', parts: [part] } }, [body]);
          // What comes on one connection is read in order.
          connection.send('status', { ask: 1 });
        } else if (kind === 'statusReply') taken.resolve();
        else if (kind === 'result') {
          answer.resolve(header);
          connection.destroy();
        }
      },
      onClose() {
        taken.resolve();
        answer.resolve(undefined);
      },
    },
    { frameBytesMax },
  );
  return { taken: taken.promise, answer: answer.promise };
}
