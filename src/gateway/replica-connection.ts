/**
 * The gateway's connection to one replica: sends calls, gives each its answer by id, reconnects with back-off for as
 * long as it is open. It chooses nothing and queues nothing.
 * Invariant: every call that was sent gets exactly one of `onResult` and `onLost`.
 */
import type { Clock } from '../clock.ts';
import { Slots } from '../protocol/slots.ts';
import { openFrameConnection, type FrameConnection } from '../protocol/frames/connection.ts';
import type { CostPoint, InferHeader, ReplicaState, ResultHeader } from '../protocol/frames/messages.ts';
import { publish } from '../telemetry/events.ts';
import { connectToReplica, type PeerIdentity } from '../tls/peer.ts';
import type { ReplicaRoute } from './routing-table.ts';

export interface ReplicaCall {
  onResult(header: ResultHeader, body: Uint8Array): void;
  /** The connection closed with the call in flight. */
  onLost(reason: string): void;
}

export interface ReplicaEvents {
  /** `ready` of the connection may have changed; comes before the `onLost` of its calls. */
  onChange(): void;
  onCostCurve(points: readonly CostPoint[]): void;
  /** It has answered `ask`. */
  onAnswer(): void;
}

export interface ReplicaConnection {
  /** Connected, and the runner says that it is loaded and warmed. */
  readonly ready: boolean;
  readonly connected: boolean;
  /** Returns the number that {@link cancel} takes. */
  infer(header: Omit<InferHeader, 'call'>, parts: readonly Uint8Array[], call: ReplicaCall): number;
  /** Nobody waits for this call any more: it ends sooner if it is not being computed yet. It still ends by its result. */
  cancel(number: number): void;
  /** Asks how it is; whoever still runs answers at once, whatever it computes. */
  ask(): void;
  /** Gives this connection up, with the calls in flight, and makes another: that one is ready when the replica says so. */
  abandon(reason: string): void;
  /** Closes for good; calls in flight are lost. */
  close(): void;
}

export type ConnectReplica = (route: ReplicaRoute, events: ReplicaEvents) => ReplicaConnection;

export interface ConnectionSettings {
  readonly clock: Clock;
  readonly frameBytesMax: number;
  /** What is shown to replicas that are reached over TCP with TLS. */
  readonly identity?: PeerIdentity | undefined;
  /** Token of the lease under which the tables were made that are acted on now; 0 where there is none. */
  readonly epoch?: () => number;
}

const reconnectMs = 50;
const reconnectMsMax = 2000;

export function openReplicaConnection(
  route: ReplicaRoute,
  events: ReplicaEvents,
  settings: ConnectionSettings,
): ReplicaConnection {
  const calls = new Slots<ReplicaCall>();
  let frames: FrameConnection | undefined;
  let state: ReplicaState['kind'] | undefined;
  let attempts = 0;
  let asked = 0;
  let cancelRetry = (): void => {};
  let closed = false;

  const enter = (next: ReplicaState): void => {
    state = next.kind;
    if (next.kind === 'ready') attempts = 0;
    events.onChange();
  };

  const lose = (reason: string): void => {
    frames = undefined;
    state = undefined;
    events.onChange();
    for (const call of calls.takeAll()) call.onLost(reason);
    if (closed) return;
    cancelRetry = settings.clock.after(Math.min(reconnectMs * 2 ** attempts, reconnectMsMax), connect);
    attempts += 1;
  };

  function connect(): void {
    const socket = connectToReplica(route.address, route.id, settings.identity);
    frames = openFrameConnection(
      socket,
      {
        onFrame(...[kind, header, body]) {
          switch (kind) {
            case 'result':
              calls.take(header.call)?.onResult(header, body);
              break;
            case 'hello':
              if (header.replica !== runnerAt(route)) {
                // The address has been taken over by another replica: nothing may be sent there in this one's name.
                frames?.destroy(
                  new Error(`expected ${runnerAt(route)} at the address of replica ${route.id}, got ${header.replica}`),
                );
                break;
              }
              if (header.costCurve !== undefined) events.onCostCurve(header.costCurve);
              enter(header.state);
              break;
            case 'state':
              if (header.costCurve !== undefined) events.onCostCurve(header.costCurve);
              enter(header.state);
              break;
            case 'statusReply':
              events.onAnswer();
              break;
            case 'infer':
            case 'cancel':
            case 'drain':
            case 'status':
              frames?.destroy(new Error(`expected a frame of a runner, got ${kind}`));
              break;
            default:
              kind satisfies never;
          }
        },
        onClose(error) {
          if (error !== undefined && calls.size > 0)
            publish('flyball:fault', { where: `connection to replica ${route.id}`, message: error.message, error });
          lose(error?.message ?? 'the connection was closed');
        },
      },
      { frameBytesMax: settings.frameBytesMax },
    );
  }
  connect();

  return {
    get ready() {
      return state === 'ready';
    },
    get connected() {
      return state !== undefined;
    },
    infer(header, parts, call) {
      const number = calls.add(call);
      const { items, payload, outputs } = header;
      const epoch = settings.epoch?.() ?? 0;
      // What is undefined is not sent.
      frames?.send('infer', { call: number, items, payload, outputs, epoch: epoch > 0 ? epoch : undefined }, parts);
      return number;
    },
    cancel(number) {
      frames?.send('cancel', { call: number });
    },
    ask() {
      asked += 1;
      frames?.send('status', { ask: asked });
    },
    abandon(reason) {
      frames?.destroy(new Error(reason));
    },
    close() {
      if (closed) return;
      closed = true;
      cancelRetry();
      frames?.destroy();
    },
  };
}

/** What the runner at the address calls itself. */
const runnerAt = ({ id, address }: ReplicaRoute): string => (address.kind === 'tcp' && address.runner) || id;
