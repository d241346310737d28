/**
 * The gateway's side of the coupling between the planes: takes the routing table from control, sends observations.
 * Newline-delimited JSON over control's socket. While control is away the last table stands, and the link tries again.
 * Invariant: an observation names the table that the dispatcher acts on at that moment.
 */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import type { KeyTable } from '../auth/key-table.ts';
import type { Clock } from '../clock.ts';
import { publish } from '../telemetry/events.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Spans } from './spans.ts';
import type { Answer, ControlMessage, GatewayMessage, Question, RoutingTable } from './routing-table.ts';

export interface ControlLinkOptions {
  readonly worker: number;
  readonly socketPath: string;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /** Absent where callers need no keys. */
  readonly keys?: KeysInForce | undefined;
  /** Never rejects. */
  readonly answer?: ((question: Question) => Promise<Answer>) | undefined;
  /** Requests that have ended; absent where none are remembered. */
  readonly spans?: Pick<Spans, 'find' | 'take'> | undefined;
}

/** Where the key table goes, and what of it is in force. */
export interface KeysInForce {
  readonly revision: number;
  apply(table: KeyTable): void;
}

export interface ControlLink {
  /** Sends an observation in this turn of the event loop, however often it is asked for. */
  observeSoon(): void;
  close(): void;
}

const observeEveryMs = 250;
const reconnectMs = 50;
const reconnectMsMax = 1000;
/** A table of some ten thousand replicas. */
const lineLengthMax = 32 * 1_048_576;

export function openControlLink(options: ControlLinkOptions): ControlLink {
  const { dispatcher, clock } = options;
  let socket: net.Socket | undefined;
  let attempts = 0;
  let asked = false;
  let closed = false;
  let cancelRetry = (): void => {};
  let cancelObserve = (): void => {};

  const send = (message: GatewayMessage): void => {
    // Whoever does not read loses observations, not this process its memory: they are snapshots.
    if (socket === undefined || (socket.writableNeedDrain && message.kind === 'observation')) return;
    socket.write(`${JSON.stringify(message)}\n`);
  };

  const observe = (): void => {
    asked = false;
    if (closed || socket === undefined || socket.connecting) return;
    send({
      kind: 'observation',
      worker: options.worker,
      at: clock.wall(),
      revision: dispatcher.table.revision,
      ...dispatcher.observe(),
    });
  };
  const observeSoon = (): void => {
    if (asked) return;
    asked = true;
    setImmediate(observe);
  };
  const observeRegularly = (): void => {
    cancelObserve = clock.after(observeEveryMs, () => {
      observe();
      observeRegularly();
    });
  };

  const receive = (line: string): void => {
    const message = JSON.parse(line) as ControlMessage;
    if (message.kind === 'keys') {
      options.keys?.apply(message.table);
      send({ kind: 'keys', revision: message.table.revision });
      return;
    }
    if (message.kind === 'question') {
      void options.answer?.(message).then(send);
      return;
    }
    if (message.kind === 'spans?') {
      const { id, query, take } = message;
      const found = query === undefined ? options.spans?.take(take) : { spans: options.spans?.find(query) ?? [] };
      send({ kind: 'spans', id, ...(found ?? { spans: [] }) });
      return;
    }
    dispatcher.apply(message.table);
    // Control waits for the confirmation that its table is in force.
    observeSoon();
  };

  function connect(): void {
    const connecting = net.connect({ path: options.socketPath });
    socket = connecting;
    const decoder = new StringDecoder('utf8');
    let rest = '';
    connecting.on('connect', () => {
      attempts = 0;
      send({
        kind: 'hello',
        worker: options.worker,
        pid: process.pid,
        revision: dispatcher.table.revision,
        keys: options.keys?.revision ?? 0,
      });
      observeSoon();
    });
    connecting.on('data', (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      try {
        if (rest.length > lineLengthMax) throw new RangeError(`expected a line of at most ${lineLengthMax} characters`);
        for (const line of lines) if (line !== '') receive(line);
      } catch (error) {
        publish('flyball:fault', {
          where: 'control link',
          message: `what control sent was not a table: ${error instanceof Error ? error.message : String(error)}`,
          error,
        });
        connecting.destroy();
      }
    });
    connecting.on('error', () => connecting.destroy());
    connecting.on('close', () => {
      socket = undefined;
      if (closed) return;
      cancelRetry = clock.after(Math.min(reconnectMs * 2 ** attempts, reconnectMsMax), connect);
      attempts += 1;
    });
  }

  connect();
  observeRegularly();

  return {
    observeSoon,
    close() {
      closed = true;
      cancelRetry();
      cancelObserve();
      socket?.end();
    },
  };
}

/** The table that control left on disk, so that a worker serves at once although control may be dead. */
export function readLastTable(path: string): RoutingTable | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as RoutingTable;
  } catch {
    // None yet, or one that a crash left half-written: control will send the table.
    return undefined;
  }
}
