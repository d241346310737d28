/**
 * What every view reads: the status and the journal as the platform tells them, the state of the connection, and the
 * time by which ages are told. One stream for the whole page; views subscribe to signals and never to the stream.
 */
import { batch, computed, effect, signal } from '@preact/signals';
import type { JournalEntryView, StatusView } from '../../../src/api/schemas.ts';
import { learnCaller } from '../api/caller.ts';
import { prefix, whenUnauthenticated } from '../api/client.ts';
import { shareLeadership } from './channel.ts';
import { isSilent, next, opening, type Connection, type ConnectionEvent } from './connection.ts';
import { misfit, nothing, reduce, type Hello, type Known, type LiveEvent } from './reduce.ts';

const known = signal<Known>(nothing);
const state = signal<Connection>(opening);
const ticking = signal(Date.now());

/** Updates wait while a person reads (WCAG 2.2.2); the connection goes on. */
export const paused = signal(false);
const shown = signal<Known>(nothing);
const shownNow = signal(Date.now());

export const connection = computed(() => state.value);
export const status = computed<StatusView | undefined>(() => shown.value.status);
/** By the page's clock. */
export const statusAt = computed(() => shown.value.statusAt);
export const journal = computed<readonly JournalEntryView[]>(() => shown.value.journal);
export const resyncs = computed(() => shown.value.resyncs);
export const outdated = computed(() => misfit(known.value.hello, __FLYBALL_VERSION__));
/** The platform's clock, by the second; it stands still while updates are paused, as what it is compared with does. */
export const now = computed(() => shownNow.value + shown.value.skewMs);
/** The page's own clock by the second: for count-downs, which never pause. */
export const pageNow = computed(() => ticking.value);
/** The platform's clock at this moment. */
export const serverNow = (): number => Date.now() + known.peek().skewMs;

interface Told {
  readonly from: 'leader';
  readonly event?: LiveEvent;
  readonly connection?: Connection;
}
interface Asked {
  readonly from: 'follower';
}

const topics = 'status,journal';

function happen(event: ConnectionEvent): void {
  state.value = next(state.peek(), event);
}

let isStarted = false;

/** Starts the stream once it is known who looks; called again after a sign-in. */
export async function startLive(): Promise<void> {
  try {
    if ((await learnCaller()) === undefined) return;
  } catch {
    // Nothing answers yet: the page says so, and asks again.
    happen({ kind: 'lost', at: Date.now(), chance: Math.random() });
    const { value } = state;
    const waitMs = value.kind === 'waiting' ? value.until - Date.now() : 1000;
    setTimeout(() => {
      happen({ kind: 'due' });
      void startLive();
    }, waitMs);
    return;
  }
  if (isStarted) retryNow();
  else startStream();
  isStarted = true;
}

function startStream(): void {
  const channel = new BroadcastChannel('flyball-events');
  let leads = false;
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const tell = (message: Told): void => {
    if (leads) channel.postMessage(message);
  };
  const take = (event: LiveEvent): void => {
    known.value = reduce(known.peek(), event);
  };

  channel.addEventListener('message', ({ data }: MessageEvent<Told | Asked>) => {
    if (data.from === 'follower') {
      // A tab that was opened just now.
      const { hello, status: last, statusAt: at } = known.peek();
      if (hello !== undefined)
        tell({ from: 'leader', event: { kind: 'hello', hello, at: hello.now - known.peek().skewMs } });
      if (last !== undefined) tell({ from: 'leader', event: { kind: 'status', status: last, at: at ?? Date.now() } });
      tell({ from: 'leader', connection: state.peek() });
      return;
    }
    if (leads) return;
    batch(() => {
      if (data.connection !== undefined) state.value = data.connection;
      if (data.event !== undefined) take(data.event);
    });
  });

  function close(): void {
    source?.close();
    source = undefined;
    clearTimeout(timer);
  }

  function open(): void {
    close();
    const { seq } = known.peek();
    const own = new EventSource(`${prefix}/events?topics=${topics}${seq === 0 ? '' : `&since=${seq}`}`);
    source = own;
    const on = (name: LiveEvent['kind'], toEvent: (data: unknown, at: number) => LiveEvent): void => {
      own.addEventListener(name, ({ data }: MessageEvent<string>) => {
        const at = Date.now();
        const event = toEvent(JSON.parse(data), at);
        batch(() => {
          if (name === 'hello') happen({ kind: 'opened', at });
          happen({ kind: 'heard', at });
          take(event);
        });
        tell({ from: 'leader', event, connection: state.peek() });
      });
    };
    on('hello', (data, at) => ({ kind: 'hello', hello: data as Hello, at }));
    on('status', (data, at) => ({ kind: 'status', status: data as StatusView, at }));
    on('journal', (data, at) => ({ kind: 'journal', entry: data as JournalEntryView, at }));
    on('resync', (_data, at) => ({ kind: 'resync', at }));
    // The browser's own way of trying again gives up at the first answer that is no stream: it is done here.
    own.addEventListener('error', () => lose());
  }

  function lose(): void {
    close();
    happen({ kind: 'lost', at: Date.now(), chance: Math.random() });
    tell({ from: 'leader', connection: state.peek() });
    const { value } = state;
    if (value.kind !== 'waiting') return;
    timer = setTimeout(() => {
      happen({ kind: 'due' });
      // A stream does not say why it was refused: this does, and goes to the sign-in where that is the reason.
      learnCaller().then(
        () => leads && state.peek().kind === 'opening' && open(),
        () => leads && lose(),
      );
    }, value.until - Date.now());
  }

  const leadership = shareLeadership((signal) => {
    leads = true;
    happen({ kind: 'retry' });
    open();
    signal.addEventListener('abort', () => {
      leads = false;
      close();
    });
  });

  const followVisibility = (): void => {
    if (document.hidden) {
      leadership.leave();
      happen({ kind: 'hidden' });
      return;
    }
    happen({ kind: 'shown' });
    channel.postMessage({ from: 'follower' } satisfies Asked);
    leadership.join();
  };
  document.addEventListener('visibilitychange', followVisibility);
  followVisibility();

  whenUnauthenticated(() => {
    happen({ kind: 'refused' });
    close();
  });
  retryNow = () => {
    if (!leads) return;
    happen({ kind: 'retry' });
    open();
  };

  setInterval(() => {
    ticking.value = Date.now();
    if (leads && isSilent(state.peek(), Date.now())) lose();
  }, 1000);
  effect(() => {
    const from = known.value;
    const at = ticking.value;
    if (paused.value) return;
    batch(() => {
      shown.value = from;
      shownNow.value = at;
    });
  });
}

let retryNow = (): void => {};
/** A person would rather not wait. */
export const retry = (): void => retryNow();
