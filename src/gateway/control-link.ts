/**
 * The gateway's side of the coupling between the planes: takes the routing table from control, sends observations.
 * Newline-delimited JSON over control's socket. While control is away the last table stands, and the link tries again.
 * Of several doors it stays with the one that answers, until that is silent, is shut or leads to a control that was
 * replaced.
 * Invariant: an observation names the table that the dispatcher acts on at that moment; no table of an older epoch than
 * one that was acted on is ever applied.
 */
import { randomUUID } from 'node:crypto';
import type net from 'node:net';
import type { KeyTable } from '../auth/key-table.ts';
import type { Clock } from '../clock.ts';
import { makeLineReader } from '../control/line-reader.ts';
import { publish } from '../telemetry/events.ts';
import type { MetricFamily } from '../telemetry/metrics.ts';
import { dialControl, silentMsMax, type ControlAddress } from './control-dial.ts';
import type { Dispatcher } from './dispatcher.ts';
import { watchDoors, type DoorNews } from './door-news.ts';
import type { KeptTables } from './kept-tables.ts';
import type { Spans } from './spans.ts';
import type { Answer, ControlMessage, GatewayMessage, Question } from './routing-table.ts';

export interface ControlLinkOptions {
  readonly worker: number;
  readonly control: ControlAddress;
  /** This machine's name, where it is not control's. */
  readonly node?: string | undefined;
  /** Where the tables are kept that control cannot leave here itself. */
  readonly kept?: KeptTables | undefined;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /** Absent where callers need no keys. */
  readonly keys?: KeysInForce | undefined;
  /** Never rejects. */
  readonly answer?: ((question: Question) => Promise<Answer>) | undefined;
  /** Requests that have ended; absent where none are remembered. */
  readonly spans?: Pick<Spans, 'find' | 'take'> | undefined;
  /** What this process has counted. */
  readonly families?: (() => readonly MetricFamily[]) | undefined;
  /** What is to be told of control's doors, where there are any. */
  readonly onDoors?: ((news: DoorNews) => void) | undefined;
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
  const { dispatcher, clock, control, kept } = options;
  const instance = randomUUID();
  let socket: net.Socket | undefined;
  let heardAt = 0;
  /** Which of the doors. */
  let door = 0;
  let attempts = 0;
  let epoch = kept?.epoch ?? 0;
  let refusedEpoch: number | undefined;
  let asked = false;
  let closed = false;
  const doors = control.kind === 'doors' ? watchDoors(control.urls, options.onDoors ?? (() => {})) : undefined;
  let cancelDial = (): void => {};
  let cancelRetry = (): void => {};
  let cancelObserve = (): void => {};

  const send = (message: GatewayMessage): void => {
    // Whoever does not read loses observations, not this process its memory: they are snapshots.
    if (socket === undefined || (socket.writableNeedDrain && message.kind === 'observation')) return;
    socket.write(`${JSON.stringify(message)}\n`);
  };

  const observe = (): void => {
    asked = false;
    if (closed || socket === undefined) return;
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
  /** Regular observations are this side's beat as well: they come more often than one is expected. */
  const observeRegularly = (): void => {
    cancelObserve = clock.after(observeEveryMs, () => {
      observe();
      // A machine that lost its power says no goodbye. A dial that still lasts has its own limit.
      const isSilent = socket !== undefined && clock.now() - heardAt > silentMsMax;
      if (control.kind === 'doors' && isSilent) giveUp('nothing came from it any more');
      observeRegularly();
    });
  };

  /** The door is shut for now; the next one is tried. */
  let givenUp: string | undefined;
  function giveUp(why: string): void {
    givenUp = why;
    socket?.destroy();
  }

  /** False, and another door is tried, for what a control sends that was replaced while nobody could tell it. */
  function isCurrent({ epoch: its = 0 }: { readonly epoch?: number }): boolean {
    if (its >= epoch) {
      epoch = its;
      return true;
    }
    if (refusedEpoch !== its) {
      const message = `refused a table of epoch ${its}, as ${epoch} is in force here: that control was replaced`;
      publish('flyball:fault', { where: 'control link', message });
    }
    refusedEpoch = its;
    giveUp('the control behind it was replaced');
    return false;
  }

  const receive = (message: ControlMessage): void => {
    // What came in the same piece as something that was refused.
    if (givenUp !== undefined) return;
    switch (message.kind) {
      case 'beat':
        return;
      case 'keys':
        if (!isCurrent(message.table)) return;
        options.keys?.apply(message.table);
        kept?.keep({ keys: message.table });
        send({ kind: 'keys', revision: message.table.revision });
        return;
      case 'question':
        void options.answer?.(message).then(send);
        return;
      case 'spans?': {
        const { id, query, take } = message;
        const found = query === undefined ? options.spans?.take(take) : { spans: options.spans?.find(query) ?? [] };
        send({ kind: 'spans', id, ...(found ?? { spans: [] }) });
        return;
      }
      case 'families?':
        send({ kind: 'families', id: message.id, families: options.families?.() ?? [] });
        return;
      case 'table':
        if (!isCurrent(message.table)) return;
        dispatcher.apply(message.table);
        kept?.keep({ routing: message.table });
        // Control waits for the confirmation that its table is in force.
        observeSoon();
        return;
      default:
        // Of a newer control: what is not understood is not answered.
        message satisfies never;
    }
  };

  function talk(opened: net.Socket, head: Buffer, onWord: () => void): void {
    socket = opened;
    heardAt = clock.now();
    const read = makeLineReader(lineLengthMax, (message) => {
      receive(message as ControlMessage);
      onWord();
    });
    const take = (chunk: Buffer): void => {
      heardAt = clock.now();
      try {
        read(chunk);
      } catch (error) {
        publish('flyball:fault', {
          where: 'control link',
          message: `what control sent was not a table: ${error instanceof Error ? error.message : String(error)}`,
          error,
        });
        opened.destroy();
      }
    };
    opened.on('data', take);
    send({
      kind: 'hello',
      worker: options.worker,
      ...(control.kind === 'doors' && { node: options.node ?? '', instance }),
      pid: process.pid,
      revision: dispatcher.table.revision,
      keys: options.keys?.revision ?? 0,
    });
    observeSoon();
    if (head.length > 0) take(head);
  }

  function connect(): void {
    givenUp = undefined;
    // Whoever takes a connection and has nothing to say is a control that waits for its turn.
    let spoke = control.kind === 'unix';
    cancelDial = dialControl(control, door, clock, {
      opened(opened, head) {
        if (control.kind === 'unix') attempts = 0;
        talk(opened, head, () => {
          if (givenUp !== undefined) return;
          spoke = true;
          attempts = 0;
          doors?.reached(door);
        });
      },
      gone(why = 'it closed the connection') {
        socket = undefined;
        if (closed) return;
        if (control.kind === 'doors' && (givenUp !== undefined || !spoke)) {
          doors?.missed(door, givenUp ?? why);
          door = (door + 1) % control.urls.length;
        }
        cancelRetry = clock.after(Math.min(reconnectMs * 2 ** attempts, reconnectMsMax), connect);
        attempts += 1;
      },
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
      if (socket === undefined) cancelDial();
      else socket.end();
    },
  };
}
