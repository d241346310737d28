/**
 * The event streams of all clients: one look at the status a second and one reader of the journal, however many watch.
 * Each client is a response that is written to as `turn.ts` says. Nothing runs while nobody watches.
 * Invariant: what is held for a client is bounded, also when it does not read.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../clock.ts';
import type { ControlService } from '../../control/control-service.ts';
import { FlyballError } from '../../errors.ts';
import { publish } from '../../telemetry/events.ts';
import { helloFrame } from './frames.ts';
import { emptyWindow, extend, type JournalWindow } from './journal-window.ts';
import { nextStatus, type StatusRevision } from './status-revision.ts';
import { newClient, turn, type Client, type Topic } from './turn.ts';

/** Who watches. Absent where callers need no key. */
export interface Watcher {
  readonly id: string;
  /** Absent: every deployment. */
  readonly deployments?: readonly string[] | undefined;
  /** False once the key is revoked or has expired. */
  isGood(): boolean;
}

export interface EventHub {
  /** Answers on `response`, once `begin` has sent its head, until somebody ends it. Throws TOO_MANY_STREAMS, DRAINING. */
  open(
    answer: { readonly response: ServerResponse; readonly begin: () => void },
    wanted: { readonly topics: readonly Topic[]; readonly since?: number | undefined },
    watcher: Watcher | undefined,
  ): Promise<void>;
  /** Ends every stream. */
  close(): void;
}

export interface HubOptions {
  readonly control: Pick<ControlService, 'status' | 'journal'>;
  readonly version: string;
  readonly clock: Clock;
  readonly streamsMax?: number;
}

const everyMs = 1000;
const journalWaitMs = 30_000;
const journalPage = 500;
const windowLimits = { entriesMax: 1000, charactersMax: 4_194_304 };
const turnLimits = { bufferedMax: 1_048_576, stalledMs: 30_000, keepAliveMs: 15_000 };

interface Stream {
  readonly response: ServerResponse;
  readonly watcher: Watcher | undefined;
  client: Client;
}

export function openEventHub({ control, version, clock, streamsMax = 256 }: HubOptions): EventHub {
  const streams = new Set<Stream>();
  /** By whose eyes: one for everybody who sees everything, one for each key that does not. */
  const statuses = new Map<string, StatusRevision>();
  let journal: JournalWindow = emptyWindow;
  let reading: AbortController | undefined;
  let loaded: Promise<void> | undefined;
  let cancelTick: (() => void) | undefined;
  let looking: Promise<void> | undefined;
  let closed = false;
  /** Of those that wait for the journal to be there. */
  let opening = 0;

  const eyes = (watcher: Watcher | undefined): string => (watcher?.deployments === undefined ? '' : watcher.id);
  const fault = (where: string, error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    publish('flyball:fault', { where, message, error });
  };

  function remove(stream: Stream, outcome: 'closed' | 'dropped' | 'revoked'): void {
    if (!streams.delete(stream)) return;
    publish('flyball:stream', { outcome, open: streams.size });
    if (outcome === 'dropped') stream.response.destroy();
    else stream.response.end();
    const key = eyes(stream.watcher);
    if (![...streams].some(({ watcher }) => eyes(watcher) === key)) statuses.delete(key);
    restIfAlone();
  }

  function advance(stream: Stream): void {
    const { response, watcher } = stream;
    if (!streams.has(stream)) return;
    if (watcher?.isGood() === false) {
      remove(stream, 'revoked');
      return;
    }
    const covers = (deployment: string): boolean => watcher?.deployments?.includes(deployment) ?? true;
    const state = { at: clock.now(), buffered: response.writableLength, covers };
    const next = turn(stream.client, { journal, status: statuses.get(eyes(watcher)) }, state, turnLimits);
    if (next.kind === 'drop') {
      remove(stream, 'dropped');
      return;
    }
    stream.client = next.client;
    if (next.frames.length > 0) response.write(next.frames.join(''));
  }

  async function look(): Promise<void> {
    const wanted = new Map<string, Watcher | undefined>();
    for (const { client, watcher } of streams) if (client.topics.includes('status')) wanted.set(eyes(watcher), watcher);
    for (const [key, watcher] of wanted) {
      const own = watcher?.deployments;
      const view = await control.status(own && ((deployment) => own.includes(deployment)));
      statuses.set(key, nextStatus(statuses.get(key), view, clock.now()));
    }
  }

  function tick(): void {
    cancelTick = undefined;
    looking ??= look()
      .catch((error: unknown) => fault('the status for who watches', error))
      .finally(() => {
        looking = undefined;
        for (const stream of streams) advance(stream);
        if (streams.size > 0) cancelTick ??= clock.after(everyMs, tick);
      });
  }

  async function follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const query = { after: journal.last, limit: journalPage };
        const entries = await control.journal(query, journalWaitMs, signal);
        if (signal.aborted) return;
        journal = extend(journal, entries, windowLimits);
        if (entries.length > 0) for (const stream of streams) advance(stream);
      } catch (error) {
        if (signal.aborted) return;
        fault('the journal for who watches', error);
        await new Promise<void>((resolve) => void clock.after(everyMs, resolve));
      }
    }
  }

  /** With what was written lately, so that whoever was away for a while goes on where it was. */
  async function load(): Promise<void> {
    const mine = new AbortController();
    reading = mine;
    const newest = await control.journal({ newestFirst: true, limit: windowLimits.entriesMax }, 0, mine.signal);
    if (mine.signal.aborted) return;
    journal = extend(emptyWindow, newest.toReversed(), windowLimits);
    void follow(mine.signal);
  }

  function restIfAlone(): void {
    if (streams.size === 0 && opening === 0) rest();
  }

  function rest(): void {
    reading?.abort();
    reading = undefined;
    loaded = undefined;
    cancelTick?.();
    cancelTick = undefined;
  }

  return {
    async open({ response, begin }, wanted, watcher) {
      if (closed) throw new FlyballError('DRAINING', 'the platform is stopping');
      if (streams.size + opening >= streamsMax) {
        const message = `expected at most ${streamsMax} event streams at once, got one more`;
        throw new FlyballError('TOO_MANY_STREAMS', message, { retryAfterSeconds: 5 });
      }
      opening += 1;
      try {
        loaded ??= load();
        await loaded;
      } catch (error) {
        loaded = undefined;
        throw error;
      } finally {
        opening -= 1;
        if (closed || response.destroyed) restIfAlone();
      }
      if (closed) throw new FlyballError('DRAINING', 'the platform is stopping');
      if (response.destroyed) return;
      const stream: Stream = { response, watcher, client: newClient(wanted, journal, clock.now()) };
      streams.add(stream);
      response.once('close', () => remove(stream, 'closed'));
      publish('flyball:stream', { outcome: 'opened', open: streams.size });
      begin();
      response.write(helloFrame({ version, api: 1, seq: journal.last, now: clock.wall() }));
      response.on('drain', () => advance(stream));
      advance(stream);
      if (statuses.has(eyes(watcher))) return;
      cancelTick?.();
      tick();
    },
    close() {
      closed = true;
      for (const stream of streams) remove(stream, 'closed');
      rest();
    },
  };
}
