/**
 * Notifications, put together: each second what the journal has got is read, given to every channel, and kept; what is
 * due goes out, one message of a channel at a time. It decides nothing: core/notifications does.
 *
 *   journal ─▶ readEntry ─▶ take, each channel ══ kept ══▶ attempt ─▶ compose ─▶ notifier ─▶ ended ══ kept
 *
 * Invariant: the cursor and what came of the entries below it are written together. So a kill loses no event that is in
 * the journal; a message that was on its way then comes twice at most.
 */
import type { ChannelView, NotificationTest, NotificationsView } from '../../api/notification-schemas.ts';
import type { Clock } from '../../clock.ts';
import type { ChannelSpecification, NotificationsSettings } from '../../config/notifications-specification.ts';
import { didYouMean } from '../../config/nearest.ts';
import {
  attempt,
  emptyChannel,
  ended,
  settled,
  take,
  type ChannelState,
  type Message,
} from '../../core/notifications/channel.ts';
import type { NotificationEvent } from '../../core/notifications/event.ts';
import { passTime, readEntry } from '../../core/notifications/from-journal.ts';
import { FlyballError, toFlyballError } from '../../errors.ts';
import type { Journal } from '../../journal/open-journal.ts';
import type { Store } from '../../store/store.ts';
import { publish } from '../../telemetry/events.ts';
import type { ControlService } from '../control-service.ts';
import { periodically } from '../periodically.ts';
import { compose } from './compose.ts';
import type { Delivered, OpenNotifier } from './notifier.ts';
import { readState, writeState, type NotificationState } from './state.ts';
import { gapEvent, testMessage } from './own-events.ts';
import { channelView, warningOf, type Heard } from './views.ts';

export interface Notifications extends AsyncDisposable {
  readonly service: Pick<ControlService, 'notifications' | 'testNotification'>;
  /** A playbook names the channel. NOT_FOUND; returns once it is kept. */
  readonly tell: (channel: string, event: NotificationEvent) => Promise<void>;
  /** Channels that do not get through. */
  warnings(): readonly string[];
  start(): void;
}

export interface NotificationParts {
  readonly store: Store;
  readonly journal: Pick<Journal, 'read'>;
  readonly settings: () => NotificationsSettings | undefined;
  readonly open: OpenNotifier;
  readonly clock: Clock;
  readonly platform: string;
}

const lookEveryMs = 1000;
const pageLength = 500;
/** A cursor that has moved over nothing that anybody wanted is written this often. */
const keepEveryMs = 60_000;

export async function openNotifications(parts: NotificationParts): Promise<Notifications> {
  const { store, journal, open, clock, platform } = parts;
  const startWall = clock.wall();
  const startNow = clock.now();
  /** Goes on evenly, whatever the wall clock does, and is about the same after a restart. */
  const steady = (): number => startWall + Math.round(clock.now() - startNow);
  const channels = (): NotificationsSettings['channels'] => parts.settings()?.channels ?? {};
  const stopping = new AbortController();
  const sending = new Map<string, Promise<void>>();
  const testing = new Set<string>();
  const heard = new Map<string, Heard>();
  let state = await readState(store);
  let written: NotificationState = state;
  let writtenAt = 0;
  let stop: (() => Promise<void>) | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const at = steady();
  state = mapped(state, (name, own) => {
    const settings = channels()[name];
    return settings === undefined ? own : settled(own, settings, at);
  });

  /** One change after another: each is kept before the next begins. */
  function change(make: (before: NotificationState) => NotificationState): Promise<void> {
    const work = async (): Promise<void> => {
      const next = make(state);
      const isNews = next.watch !== state.watch || next.channels !== state.channels;
      state = next;
      if (!isNews && (next.cursor === written.cursor || steady() - writtenAt < keepEveryMs)) return;
      await writeState(store, next);
      written = next;
      writtenAt = steady();
    };
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }

  const changeOne = (name: string, make: (before: ChannelState, own: ChannelSpecification) => ChannelState) =>
    change((before) => {
      const own = channels()[name];
      if (own === undefined) return before;
      const found = before.channels[name] ?? emptyChannel;
      const next = make(found, own);
      return next === found ? before : { ...before, channels: { ...before.channels, [name]: next } };
    });

  function takeAll(before: NotificationState, events: readonly NotificationEvent[]): NotificationState {
    if (events.length === 0) return before;
    return mapped(before, (name, own) => {
      const settings = channels()[name];
      if (settings === undefined) return own;
      return events.reduce((found, event) => take(found, settings, event, steady()), own);
    });
  }

  /** Channels that are new begin here, those that are gone are forgotten. */
  function fitted(before: NotificationState): NotificationState {
    const names = Object.keys(channels());
    const known = Object.keys(before.channels);
    if (names.length === known.length && names.every((name) => Object.hasOwn(before.channels, name))) return before;
    for (const name of known) if (!names.includes(name)) heard.delete(name);
    const kept = names.map((name) => [name, before.channels[name] ?? emptyChannel]);
    return { ...before, channels: Object.fromEntries(kept) as NotificationState['channels'] };
  }

  async function readJournal(): Promise<void> {
    if (Object.keys(channels()).length === 0) {
      if (state.cursor !== undefined) await change(() => ({ watch: state.watch, channels: {} }));
      return;
    }
    if (state.cursor === undefined) {
      // What was before anybody wanted to be told is history.
      const { id } = await store.journalHead();
      await change((before) => fitted({ ...before, cursor: id }));
    } else await change(fitted);
    for (;;) {
      const after = state.cursor ?? 0;
      const entries = await journal.read({ after, limit: pageLength });
      const [first] = entries;
      const final = entries.at(-1);
      await change((before) => {
        let next = before;
        if (first !== undefined && first.id > after + 1) next = takeAll(next, [gapEvent(after, first)]);
        for (const entry of entries) {
          const { watch, events } = readEntry(next.watch, entry);
          next = takeAll(watch === next.watch ? next : { ...next, watch }, events);
        }
        const { watch, events } = passTime(next.watch, clock.wall());
        next = takeAll(watch === next.watch ? next : { ...next, watch }, events);
        return final === undefined ? next : { ...next, cursor: final.id };
      });
      if (entries.length < pageLength || stopping.signal.aborted) return;
    }
  }

  async function deliver(message: Message, own: ChannelSpecification, name: string): Promise<Delivered> {
    try {
      const notifier = await open(own, `notifications.channels.${name}`);
      const content = compose(message, own, { platform, channel: name }, notifier.escape, clock.wall());
      return await notifier.send(content, stopping.signal);
    } catch (error) {
      const { message: why } = toFlyballError(error);
      return { kind: 'failed', why, said: why, again: true };
    }
  }

  /** One message of a channel, if one is due; the next look sends the next. */
  async function sendDue(name: string): Promise<void> {
    let message: Message | undefined;
    await changeOne(name, (before, own) => {
      const tried = attempt(before, own, steady());
      message = tried.message;
      return tried.state;
    });
    const own = channels()[name];
    if (message === undefined || own === undefined) return;
    const delivered = await deliver(message, own, name);
    // Whoever is told to stop does not know what came of it: it is sent again.
    if (stopping.signal.aborted) return;
    const { said, kind } = delivered;
    heard.set(name, { said, kind, ...(kind === 'sent' ? { sentAt: clock.wall() } : lastSent(name)) });
    publish('flyball:notification', { channel: name, outcome: kind });
    await changeOne(name, (before, settings) => ended(before, settings, delivered, steady()));
  }

  const lastSent = (name: string): Pick<Heard, 'sentAt'> => {
    const sentAt = heard.get(name)?.sentAt;
    return sentAt === undefined ? {} : { sentAt };
  };

  function sendAll(): void {
    for (const name of Object.keys(channels())) {
      if (sending.has(name) || stopping.signal.aborted) continue;
      const work = sendDue(name)
        .catch((error: unknown) => {
          const { message } = toFlyballError(error);
          publish('flyball:fault', { where: `notifications to ${name}`, message, error });
        })
        .finally(() => sending.delete(name));
      sending.set(name, work);
    }
  }

  function settingsOf(name: string): ChannelSpecification {
    const own = Object.hasOwn(channels(), name) ? channels()[name] : undefined;
    if (own !== undefined) return own;
    const near = didYouMean(name, Object.keys(channels()));
    throw new FlyballError('NOT_FOUND', `notifications.channels has no ${name}${near}`);
  }

  return {
    service: {
      async notifications(): Promise<NotificationsView> {
        const views = Object.entries(channels()).map(([name, own]): ChannelView =>
          channelView(name, own, state.channels[name] ?? emptyChannel, heard.get(name), steady()),
        );
        return { channels: views, ...(state.cursor === undefined ? {} : { cursor: state.cursor }) };
      },
      async testNotification(name, by): Promise<NotificationTest> {
        const own = settingsOf(name);
        if (testing.has(name)) throw new FlyballError('CONFLICT', `a test of ${name} is on its way already`);
        testing.add(name);
        try {
          const began = clock.now();
          const { kind, said } = await deliver(testMessage(by, clock.wall()), own, name);
          publish('flyball:control', { action: 'test channel', subject: name, by, reason: said });
          return { outcome: kind, said, tookMs: Math.round(clock.now() - began) };
        } finally {
          testing.delete(name);
        }
      },
    },
    async tell(name, event) {
      settingsOf(name);
      await changeOne(name, (before, own) => take(before, own, event, steady(), true));
    },
    warnings: () =>
      Object.keys(channels()).flatMap((name) => warningOf(name, state.channels[name] ?? emptyChannel, heard.get(name))),
    start() {
      stop ??= periodically(clock, lookEveryMs, 'notifications', async () => {
        await readJournal();
        sendAll();
      });
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await stop?.();
      await Promise.all(sending.values());
      await last;
    },
  };
}

function mapped(state: NotificationState, make: (name: string, own: ChannelState) => ChannelState): NotificationState {
  let changed = false;
  const channels = Object.entries(state.channels).map(([name, own]) => {
    const next = make(name, own);
    if (next !== own) changed = true;
    return [name, next] as const;
  });
  return changed ? { ...state, channels: Object.fromEntries(channels) } : state;
}
