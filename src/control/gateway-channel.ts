/**
 * Control's side of the coupling between the planes: gateways connect, get the routing table now and at each change,
 * and send observations. The table also stands in a file, for a gateway that starts while control is dead. Gateways of
 * other machines come through control's door; nobody may tell their end, so both sides say something regularly.
 * Invariant: revisions that leave here only grow, and the file is never half written.
 */
import { rmSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { writePrivateFile, type KeyTable } from '../auth/key-table.ts';
import { beatMs, silentMsMax } from '../gateway/control-dial.ts';
import type { Answer, ControlMessage, GatewayMessage, RoutingTable } from '../gateway/routing-table.ts';
import { publish as publishEvent } from '../telemetry/events.ts';
import type { FamiliesOf } from '../telemetry/metrics.ts';
import type { SpanQuery } from '../telemetry/spans/span.ts';
import {
  byNode,
  nameOf,
  remoteIn,
  withinWindow,
  type ConnectedGateway,
  type Observation,
} from './connected-gateway.ts';
import { openFamilyQuestions } from './family-questions.ts';
import { makeLineReader } from './line-reader.ts';
import { openSpanQuestions, type FoundSpans, type TakenSpans } from './span-questions.ts';

export interface GatewayChannel extends AsyncDisposable {
  /** The table that the last control left behind; undefined when there is none that can be read. */
  readonly found: RoutingTable | undefined;
  publish(table: RoutingTable): Promise<void>;
  /**
   * Waits for these workers of this machine to confirm, and for every gateway of another one that is there or was within
   * the last hour; gives those that have not in time, by name. Without `workers` nobody is waited for.
   */
  publishKeys(table: KeyTable, workers?: readonly number[]): Promise<readonly string[]>;
  /** A gateway of another machine, which has shown that it is one. `head`: what it has sent already. */
  take(socket: net.Socket, head: Buffer): void;
  gateways(): readonly ConnectedGateway[];
  /**
   * Asks a deployment's model, through a gateway and its queue; NaN stands for what is not known, in both directions.
   */
  ask: Ask;
  /** Requests that have ended, of all gateways. */
  spans(query: SpanQuery): Promise<FoundSpans>;
  /** What gateways of other machines have counted; those that do not answer in time are left out, and counted. */
  families(): Promise<readonly FamiliesOf[]>;
  familiesMissed(): number;
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

/** A gateway that lives confirms a key table within milliseconds. */
const confirmMsMax = 2000;
/** A gateway that was cut off may serve on, with the keys that it has. */
const rememberedMs = 3_600_000;
const rememberedMax = 1024;
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
  /** Those of other machines that are away, by name, and what forgets them. */
  const away = new Map<string, NodeJS.Timeout>();
  let line: string | undefined;
  let keysLine: string | undefined;
  const confirmations = new Set<() => void>();
  const asked = new Map<number, Asked>();
  let questions = 0;
  const spanQuestions = openSpanQuestions<net.Socket>((socket, question) =>
    send(socket, `${JSON.stringify(question satisfies ControlMessage)}\n`),
  );

  const familyQuestions = openFamilyQuestions<net.Socket>((socket, question) =>
    send(socket, `${JSON.stringify(question satisfies ControlMessage)}\n`),
  );

  const send = (socket: net.Socket, message: string | undefined): void => {
    if (message === undefined) return;
    socket.write(message);
    if (socket.writableLength > unsentBytesMax) socket.destroy();
  };

  function receive(socket: net.Socket, isRemote: boolean, message: GatewayMessage): void {
    if (message.kind === 'beat') return;
    if (message.kind === 'answer') {
      asked.get(message.id)?.settle(message);
      return;
    }
    if (message.kind === 'spans') {
      spanQuestions.answered(socket, message);
      return;
    }
    if (message.kind === 'families') {
      familyQuestions.answered(socket, message);
      return;
    }
    if (message.kind === 'hello') {
      const { worker, pid, revision, keys } = message;
      const remote = isRemote ? remoteIn(message) : {};
      connected.set(socket, { worker, ...remote, pid, revision, keys, history: [] });
      if (isRemote) arrived(socket);
    } else if (message.kind === 'keys') {
      const known = connected.get(socket);
      if (known !== undefined) connected.set(socket, { ...known, keys: message.revision });
    } else if (message.kind === 'observation') {
      const known = connected.get(socket);
      if (known === undefined) return;
      const history = withinWindow(known.history, known.latest, message.at);
      const previous = history[0] === undefined ? {} : { previous: history[0] };
      connected.set(socket, { ...known, revision: message.revision, latest: message, history, ...previous });
      options.onObservation?.(message);
    } else {
      // Of a newer gateway: what is not understood changes nothing.
      message satisfies never;
      return;
    }
    options.onChange();
    for (const look of confirmations) look();
  }

  function arrived(socket: net.Socket): void {
    const gateway = connected.get(socket);
    if (gateway === undefined) return;
    clearTimeout(away.get(nameOf(gateway)));
    away.delete(nameOf(gateway));
    // It has given up its last connection, the end of which did not get here: it is not two.
    for (const [other, { instance }] of connected) {
      if (other !== socket && instance === gateway.instance) other.destroy();
    }
  }

  function left(gateway: ConnectedGateway): void {
    const name = nameOf(gateway);
    if (away.has(name) || away.size >= rememberedMax) return;
    if ([...connected.values()].some((other) => nameOf(other) === name)) return;
    away.set(name, setTimeout(() => away.delete(name), rememberedMs).unref());
  }

  function attach(socket: net.Socket, isRemote: boolean): (chunk: Buffer) => void {
    sockets.add(socket);
    let heardAt = performance.now();
    const beats = isRemote
      ? setInterval(() => {
          if (performance.now() - heardAt > silentMsMax) socket.destroy();
          else send(socket, beatLine);
        }, beatMs).unref()
      : undefined;
    const read = makeLineReader(lineBytesMax, (message) => receive(socket, isRemote, message as GatewayMessage));
    const take = (chunk: Buffer): void => {
      heardAt = performance.now();
      try {
        read(chunk);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        publishEvent('flyball:fault', { where: 'gateway channel', message, error });
        socket.destroy();
      }
    };
    socket.on('data', take);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearInterval(beats);
      sockets.delete(socket);
      const gateway = connected.get(socket);
      connected.delete(socket);
      if (gateway?.node !== undefined) left(gateway);
      spanQuestions.gone(socket);
      familyQuestions.gone(socket);
      for (const [id, one] of asked) {
        if (one.socket === socket) one.settle({ kind: 'answer', id, problem: 'the gateway that was asked is gone' });
      }
      options.onChange();
      for (const look of confirmations) look();
    });
    // Keys first: a gateway that is new here must not serve a caller that has lost its key.
    send(socket, keysLine);
    send(socket, line);
    return take;
  }

  const server = net.createServer((socket) => void attach(socket, false));
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
    take(socket, head) {
      const read = attach(socket, true);
      if (head.length > 0) read(head);
    },
    async publishKeys(table, workers) {
      const message: ControlMessage = { kind: 'keys', table };
      await writePrivateFile(options.keysPath, JSON.stringify(table));
      keysLine = `${JSON.stringify(message)}\n`;
      for (const socket of sockets) send(socket, keysLine);
      if (workers === undefined) return [];
      const pending = (): string[] => {
        const all = [...connected.values()];
        const here = all.filter(({ node, keys }) => node === undefined && keys >= table.revision);
        const elsewhere = all.filter(({ node, keys }) => node !== undefined && keys < table.revision);
        // One that is away has an older table, and may still serve.
        return [
          ...workers.filter((worker) => !here.some((each) => each.worker === worker)).map(String),
          ...new Set([...elsewhere.map(nameOf), ...away.keys()]),
        ];
      };
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
    families() {
      const elsewhere = [...connected].filter(([, { node }]) => node !== undefined);
      return familyQuestions.ask(new Map(elsewhere.map(([socket, gateway]) => [socket, nameOf(gateway)])));
    },
    familiesMissed: () => familyQuestions.missed(),
    gateways: () => [...connected.values()].toSorted(byNode),
    async [Symbol.asyncDispose]() {
      for (const timer of away.values()) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

const beatLine = `${JSON.stringify({ kind: 'beat' } satisfies ControlMessage)}\n`;

async function readTable(path: string): Promise<RoutingTable | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as RoutingTable;
  } catch {
    return undefined;
  }
}
