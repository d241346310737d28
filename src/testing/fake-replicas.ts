/**
 * Replicas for the dispatcher's tests: connections without sockets that record what is sent and answer when the test
 * says so. The model adds 1 to every byte; a request whose first byte is 255 makes the runtime refuse the whole call.
 */
import type { ErrorCode } from '../errors.ts';
import type { ConnectReplica, ReplicaCall, ReplicaEvents } from '../gateway/replica-connection.ts';
import type { InferHeader } from '../protocol/frames/messages.ts';

export interface FakeCall {
  readonly replica: string;
  readonly number: number;
  readonly header: Omit<InferHeader, 'call'>;
  readonly body: Uint8Array;
  readonly requestIds: string[];
  readonly call: ReplicaCall;
}

export interface FakeReplicas {
  readonly connect: ConnectReplica;
  /** Sent and not answered. */
  readonly calls: FakeCall[];
  /** Everything that was ever sent, as `replica: request+request`. */
  readonly log: string[];
  /** Answers the oldest open call of a replica, as the model would; `computeMs` is what the runtime measured. */
  answer(replica: string, computeMs?: number, waitMs?: number): void;
  refuse(replica: string, code: ErrorCode, message: string): void;
  /** The connection closes, with what is in flight. */
  die(replica: string): void;
  come(replica: string): void;
  /** It still has the socket, but says nothing any more; until it dies or comes. */
  freeze(replica: string): void;
  readonly closed: string[];
}

export const poison = 255;

export function createFakeReplicas(): FakeReplicas {
  const ready = new Set<string>();
  const events = new Map<string, ReplicaEvents>();
  const calls: FakeCall[] = [];
  const log: string[] = [];
  const closed: string[] = [];
  const frozen = new Set<string>();
  let sent = 0;

  const take = (replica: string): FakeCall => {
    const index = calls.findIndex((call) => call.replica === replica);
    const [call] = index < 0 ? [] : calls.splice(index, 1);
    if (call === undefined) throw new Error(`expected a call at ${replica}, got none`);
    return call;
  };

  const lose = (replica: string, reason: string): void => {
    ready.delete(replica);
    events.get(replica)?.onChange();
    for (const call of calls.filter((one) => one.replica === replica)) {
      calls.splice(calls.indexOf(call), 1);
      call.call.onLost(reason);
    }
  };

  return {
    calls,
    log,
    closed,
    connect(route, its) {
      events.set(route.id, its);
      ready.add(route.id);
      return {
        get ready() {
          return ready.has(route.id);
        },
        get connected() {
          return ready.has(route.id);
        },
        infer(header, parts, call) {
          const requestIds = header.items.map((item) => item.requestId);
          log.push(`${route.id}: ${requestIds.join('+')}`);
          sent += 1;
          calls.push({ replica: route.id, number: sent, header, body: Buffer.concat(parts), requestIds, call });
          return sent;
        },
        cancel(number) {
          const open = calls.find((one) => one.number === number);
          log.push(`${route.id}: cancel ${open?.requestIds.join('+') ?? 'nothing'}`);
        },
        ask() {
          log.push(`${route.id}: how are you`);
          if (!frozen.has(route.id)) its.onAnswer();
        },
        abandon: (reason) => lose(route.id, reason),
        close: () => void closed.push(route.id),
      };
    },
    answer(replica, computeMs = 10, waitMs = 0) {
      const { header, body, call } = take(replica);
      const rows = header.items.reduce((sum, item) => sum + item.rows, 0);
      const width = body.length / rows;
      let row = 0;
      for (const item of header.items) {
        if (body[row * width] === poison)
          return call.onResult({ call: 0, error: { code: 'INFERENCE_FAILED', message: 'poison' } }, new Uint8Array());
        row += item.rows;
      }
      const bytes = body.map((byte) => byte + 1);
      const output = { name: 'y', datatype: 'UINT8', shape: [rows, width], byteLength: bytes.length } as const;
      return call.onResult({ call: 0, outputs: [output], computeMs, inputMs: 0, waitMs }, bytes);
    },
    refuse: (replica, code, message) =>
      take(replica).call.onResult({ call: 0, error: { code, message } }, new Uint8Array()),
    die: (replica) => lose(replica, 'died'),
    freeze: (replica) => void frozen.add(replica),
    come(replica) {
      frozen.delete(replica);
      ready.add(replica);
      events.get(replica)?.onChange();
    },
  };
}
