/**
 * Control's side of the coupling between the planes: gateways connect, get the routing table now and at each change,
 * and send observations. The table also stands in a file, for a gateway that starts while control is dead.
 * Invariant: revisions that leave here only grow, and the file is never half written.
 */
import { rmSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { writePrivateFile, type KeyTable } from '../auth/key-table.ts';
import type { Answer, ControlMessage, GatewayMessage, RoutingTable } from '../gateway/routing-table.ts';
import { publish as publishEvent } from '../telemetry/events.ts';
import type { SpanQuery } from '../telemetry/spans/span.ts';
import { makeLineReader } from './line-reader.ts';
import { openSpanQuestions, type FoundSpans, type TakenSpans } from './span-questions.ts';

export type Observation = Extract<GatewayMessage, { kind: 'observation' }>;

export interface ConnectedGateway {
  readonly worker: number;
  readonly pid: number;
  /** Of the table that it acts on. */
  readonly revision: number;
  /** Of the key table in force there. */
  readonly keys: number;
  readonly latest?: Observation;
  /** The one before, for rates. */
  /** About `rateWindowMs` before the latest: what rates are taken against. */
  readonly previous?: Observation;
  /** From `previous` on, oldest first. */
  readonly history: readonly Observation[];
}

export interface GatewayChannel extends AsyncDisposable {
  /** The table that the last control left behind; undefined when there is none that can be read. */
  readonly found: RoutingTable | undefined;
  publish(table: RoutingTable): Promise<void>;
  /** Waits for these workers to confirm; gives those that have not in time. */
  publishKeys(table: KeyTable, workers: readonly number[]): Promise<readonly number[]>;
  gateways(): readonly ConnectedGateway[];
  /**
   * Asks a deployment's model, through a gateway and its queue; NaN stands for what is not known, in both directions.
   */
  ask: Ask;
  /** Requests that have ended, of all gateways. */
  spans(query: SpanQuery): Promise<FoundSpans>;
  /** Those that were remembered since this was asked last, which settles those; none while `isFull`. */
  takeSpans(isFull: boolean): Promise<TakenSpans>;
}

export type Ask = (model: string, values: ArrayLike<number>, deadlineMs: number) => Promise<Reply>;

export type Reply =
  | { readonly kind: 'said'; readonly values: Float64Array }
  /** No answer, or none within the deadline. */
  | { readonly kind: 'silent'; readonly why: string };

interface Asked {
  readonly socket: net.Socket;
  settle(answer: Answer): void;
}

/** The gateway's own deadline comes first, with a better reason. */
const graceMs = 250;
const questionsMax = 256;

/** Two observations may come right after one another: over milliseconds a single request is a hundred a second. */
const rateWindowMs = 1000;
const historySpacingMs = 200;
/** A gateway that lives confirms a key table within milliseconds. */
const confirmMsMax = 2000;
const lineBytesMax = 8 * 1_048_576;
/** A gateway that does not read is cut off rather than buffered for; it reconnects and gets the newest table. */
const unsentBytesMax = 32 * 1_048_576;

export interface GatewayChannelOptions {
  readonly socketPath: string;
  readonly tablePath: string;
  readonly keysPath: string;
  onChange(): void;
  /** Each word of a gateway, once, before `onChange`. */
  onObservation?(observation: Observation): void;
}

export async function openGatewayChannel(options: GatewayChannelOptions): Promise<GatewayChannel> {
  const connected = new Map<net.Socket, ConnectedGateway>();
  const sockets = new Set<net.Socket>();
  let line: string | undefined;
  let keysLine: string | undefined;
  const confirmations = new Set<() => void>();
  const asked = new Map<number, Asked>();
  let questions = 0;
  const spanQuestions = openSpanQuestions<net.Socket>((socket, question) =>
    send(socket, `${JSON.stringify(question satisfies ControlMessage)}\n`),
  );

  const send = (socket: net.Socket, message: string | undefined): void => {
    if (message === undefined) return;
    socket.write(message);
    if (socket.writableLength > unsentBytesMax) socket.destroy();
  };

  function receive(socket: net.Socket, message: GatewayMessage): void {
    if (message.kind === 'answer') {
      asked.get(message.id)?.settle(message);
      return;
    }
    if (message.kind === 'spans') {
      spanQuestions.answered(socket, message);
      return;
    }
    if (message.kind === 'hello') {
      const { worker, pid, revision, keys } = message;
      connected.set(socket, { worker, pid, revision, keys, history: [] });
    } else if (message.kind === 'keys') {
      const known = connected.get(socket);
      if (known !== undefined) connected.set(socket, { ...known, keys: message.revision });
    } else {
      const known = connected.get(socket);
      if (known === undefined) return;
      const history = withinWindow(known.history, known.latest, message.at);
      const previous = history[0] === undefined ? {} : { previous: history[0] };
      connected.set(socket, { ...known, revision: message.revision, latest: message, history, ...previous });
      options.onObservation?.(message);
    }
    options.onChange();
    for (const look of confirmations) look();
  }

  const server = net.createServer((socket) => {
    sockets.add(socket);
    const read = makeLineReader(lineBytesMax, (message) => receive(socket, message as GatewayMessage));
    socket.on('data', (chunk) => {
      try {
        read(chunk);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        publishEvent('flyball:fault', { where: 'gateway channel', message, error });
        socket.destroy();
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      connected.delete(socket);
      spanQuestions.gone(socket);
      for (const [id, one] of asked) {
        if (one.socket === socket) one.settle({ kind: 'answer', id, problem: 'the gateway that was asked is gone' });
      }
      options.onChange();
      for (const look of confirmations) look();
    });
    // Keys first: a gateway that is new here must not serve a caller that has lost its key.
    send(socket, keysLine);
    send(socket, line);
  });
  rmSync(options.socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.socketPath, resolve);
  });

  return {
    found: await readTable(options.tablePath),
    async publish(table) {
      const message: ControlMessage = { kind: 'table', table };
      // First the file: a gateway that starts now must not find an older table than its neighbours act on.
      await writeFile(`${options.tablePath}.new`, JSON.stringify(table));
      await rename(`${options.tablePath}.new`, options.tablePath);
      line = `${JSON.stringify(message)}\n`;
      for (const socket of sockets) send(socket, line);
    },
    async publishKeys(table, workers) {
      const message: ControlMessage = { kind: 'keys', table };
      await writePrivateFile(options.keysPath, JSON.stringify(table));
      keysLine = `${JSON.stringify(message)}\n`;
      for (const socket of sockets) send(socket, keysLine);
      const pending = (): number[] =>
        // One that is away has an older table, and may still serve.
        workers.filter(
          (worker) => ![...connected.values()].some((each) => each.worker === worker && each.keys >= table.revision),
        );
      if (pending().length === 0) return [];
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, confirmMsMax);
      const look = (): void => {
        if (pending().length === 0) resolve();
      };
      confirmations.add(look);
      await promise;
      clearTimeout(timer);
      confirmations.delete(look);
      return pending();
    },
    async ask(model, values, deadlineMs) {
      const socket = connected.keys().next().value;
      if (socket === undefined) return { kind: 'silent', why: 'no gateway is connected' };
      if (asked.size >= questionsMax) return { kind: 'silent', why: `${questionsMax} questions wait already` };
      const id = (questions += 1);
      const { promise, resolve } = Promise.withResolvers<Answer>();
      const timer = setTimeout(
        () => resolve({ kind: 'answer', id, problem: `no answer within ${deadlineMs} ms` }),
        deadlineMs + graceMs,
      );
      asked.set(id, { socket, settle: resolve });
      const row = Array.from(values, (value) => (Number.isFinite(value) ? value : null));
      send(
        socket,
        `${JSON.stringify({ kind: 'question', id, model, values: row, deadlineMs } satisfies ControlMessage)}\n`,
      );
      const answer = await promise;
      clearTimeout(timer);
      asked.delete(id);
      if (answer.values === undefined) return { kind: 'silent', why: answer.problem ?? 'an answer without numbers' };
      return { kind: 'said', values: Float64Array.from(answer.values, (value) => value ?? Number.NaN) };
    },
    spans: (query) => spanQuestions.ask([...connected.keys()], query),
    takeSpans: (isFull) => spanQuestions.take([...connected.keys()], isFull),
    gateways: () => [...connected.values()].toSorted((left, right) => left.worker - right.worker),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

async function readTable(path: string): Promise<RoutingTable | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as RoutingTable;
  } catch {
    return undefined;
  }
}

/** The last one that is a whole window old stays in front; bounded, as those that come in quick succession are skipped. */
function withinWindow(
  history: readonly Observation[],
  latest: Observation | undefined,
  at: number,
): readonly Observation[] {
  const last = history.at(-1);
  const grown =
    latest === undefined || (last !== undefined && latest.at - last.at < historySpacingMs)
      ? history
      : [...history, latest];
  const start = grown.findLastIndex((each) => at - each.at >= rateWindowMs);
  return start <= 0 ? grown : grown.slice(start);
}
