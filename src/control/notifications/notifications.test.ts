/** Notifications as control runs them: a real journal and store, a virtual clock, and receivers that do as they are told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { specification } from '../../config/specification.ts';
import { openSqliteStore } from '../../drivers/stores/sqlite.ts';
import type { JournalNote } from '../../journal/entry.ts';
import { openJournal } from '../../journal/open-journal.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { until } from '../../testing/until.ts';
import type { Content, Delivered } from './notifier.ts';
import { openNotifications } from './notifications.ts';

const ops = { kind: 'slack', url: 'http://127.0.0.1:9/hook', groupMs: 1000 } as const;

async function world(channels: Readonly<Record<string, object>> = { ops }) {
  const store = openSqliteStore(':memory:');
  const clock = createVirtualClock();
  const journal = openJournal(store, clock);
  const parsed = (given: object) => specification.parse({ notifications: { channels: given } }).notifications;
  let settings = parsed(channels);
  const sent: Content[] = [];
  let answer: (content: Content, signal: AbortSignal) => Delivered | Promise<Delivered> = () => ({
    kind: 'sent',
    said: 'ok',
  });
  const parts = {
    store,
    journal,
    settings: () => settings,
    clock,
    platform: 'plant',
    open: async () => ({
      escape: (value: string) => value,
      async send(content: Content, signal: AbortSignal) {
        sent.push(content);
        return answer(content, signal);
      },
    }),
  };
  let notifications = await openNotifications(parts);
  notifications.start();
  const settle = async (): Promise<void> => {
    // A look reads, writes and sends through the store: that is real time, though no clock moves.
    for (let turn = 0; turn < 60; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    sent,
    store,
    journal,
    clock,
    titles: () => sent.map(({ title }) => title.text),
    now: () => notifications,
    answer: (by: typeof answer) => void (answer = by),
    apply: (given: object) => void (settings = parsed(given)),
    settle,
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second += 1) {
        clock.pass(1000);
        await settle();
      }
    },
    async note(note: Partial<JournalNote>) {
      journal.note({ kind: 'halt', action: 'halt', subject: 'digits', by: 'ada', reason: 'to look', ...note });
      await journal.flushed();
    },
    /** Control ends at this moment, and another begins with what the store has. */
    async kill() {
      await notifications[Symbol.asyncDispose]();
      notifications = await openNotifications(parts);
      notifications.start();
    },
    async [Symbol.asyncDispose]() {
      await notifications[Symbol.asyncDispose]();
      await journal[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

test('what is journalled is told after its window; what was before a channel is not', async () => {
  await using own = await world();
  await own.note({ subject: 'before' });
  await own.pass(2);
  await own.note({});
  await own.note({ action: 'release' });
  await own.note({ kind: 'mode', action: 'auto' });
  await own.pass(4);
  assert.deepEqual(own.titles().toSorted(), [
    '2 × halt: digits is released by ada',
    'digits: the mode is auto, set by ada',
  ]);
  const halts = own.sent.find(({ kind }) => kind === 'halt');
  assert.match(
    halts?.text.text ?? '',
    /^22:13:2\d digits is halted by ada: to look\n22:13:2\d digits is released by ada: to look$/,
  );
  const { channels, cursor } = await own.now().service.notifications();
  assert.equal(cursor, 4);
  const [view] = channels;
  assert.deepEqual([view?.state, view?.sent, view?.told, view?.said], ['idle', 2, 3, 'ok']);
});

test('after a kill a message that was on its way comes again, one that was through does not, and none is missing', async () => {
  await using own = await world();
  await own.pass(1);
  await own.note({});
  await own.pass(3);
  assert.equal(own.sent.length, 1);
  // The next never gets its answer.
  own.answer(
    (_, signal) =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => resolve({ kind: 'failed', why: '', said: '', again: true })),
      ),
  );
  await own.note({ kind: 'mode', action: 'advise' });
  await own.pass(3);
  assert.equal(own.sent.length, 2);
  await own.note({ kind: 'mode', action: 'approve', subject: 'ocr' });
  await own.kill();
  own.answer(() => ({ kind: 'sent', said: 'ok' }));
  await own.pass(8);
  assert.deepEqual(own.titles(), [
    'digits is halted by ada',
    'digits: the mode is advise, set by ada',
    'digits: the mode is advise, set by ada',
    'ocr: the mode is approve, set by ada',
  ]);
  assert.equal(own.sent[1]?.id, own.sent[2]?.id);
});

test('a receiver that is away is warned of, asked again, and gets all of it when it is back', async () => {
  await using own = await world();
  await own.pass(1);
  own.answer(() => ({ kind: 'failed', why: 'it answered 503', said: 'it answered 503', again: true }));
  await own.note({});
  await own.pass(12);
  assert.match(
    own.now().warnings()[0] ?? '',
    /^notifications\.channels\.ops does not get through after \d attempts: it answered 503$/,
  );
  assert.equal((await own.now().service.notifications()).channels[0]?.state, 'failing');
  for (const subject of ['a', 'b']) await own.note({ subject });
  own.answer(() => ({ kind: 'sent', said: 'ok' }));
  await own.pass(80);
  assert.deepEqual(own.titles().slice(-3), ['digits is halted by ada', 'a is halted by ada', 'b is halted by ada']);
  assert.deepEqual(own.now().warnings(), []);
});

test('a secret that cannot be read, and a notifier that throws, are failures that pass', async () => {
  await using own = await world();
  await own.pass(1);
  own.answer(() => {
    throw new Error('out of order');
  });
  await own.note({});
  await own.pass(8);
  assert.match((await own.now().service.notifications()).channels[0]?.said ?? '', /out of order/);
  own.answer(() => ({ kind: 'sent', said: 'ok' }));
  await own.pass(10);
  assert.equal((await own.now().service.notifications()).channels[0]?.sent, 1);
});

test('channels come and go with the specification', async () => {
  await using own = await world();
  await own.pass(1);
  own.apply({ ops, night: { ...ops, kind: 'discord', severityMin: 'critical' } });
  await own.pass(2);
  await own.note({ kind: 'mode', action: 'auto' });
  await own.note({});
  await own.pass(4);
  assert.deepEqual(own.sent.map(({ channel, kind }) => `${channel} ${kind}`).toSorted(), [
    'night halt',
    'ops halt',
    'ops mode-changed',
  ]);
  own.apply({});
  await own.pass(2);
  await own.note({ subject: 'nobody' });
  await own.pass(3);
  own.apply({ ops });
  await own.pass(2);
  assert.equal(own.sent.length, 3);
  assert.equal((await own.now().service.notifications()).channels[0]?.sent, 0);
});

test('a test goes out at once and says what came of it; of a channel that is not there it says which are', async () => {
  await using own = await world();
  const tested = await own.now().service.testNotification('ops', 'ada');
  assert.deepEqual([tested.outcome, tested.said], ['sent', 'ok']);
  assert.match(own.sent[0]?.text.text ?? '', /^ada asked for it/);
  await assert.rejects(own.now().service.testNotification('opps', 'ada'), /has no opps; did you mean ops\?/);
  await assert.rejects(own.now().service.testNotification('constructor', 'ada'), { code: 'NOT_FOUND' });
  let release = (): void => undefined;
  own.answer(async () => {
    await new Promise<void>((resolve) => (release = resolve));
    return { kind: 'failed', why: 'no', said: 'no', again: true };
  });
  const slow = own.now().service.testNotification('ops', 'ada');
  await until('it is on its way', () => own.sent.length === 2);
  await assert.rejects(own.now().service.testNotification('ops', 'ada'), { code: 'CONFLICT' });
  release();
  assert.equal((await slow).outcome, 'failed');
});

test('what a playbook gives to a channel is told whatever the channel wants to know otherwise', async () => {
  await using own = await world({ ops: { ...ops, severityMin: 'critical', events: ['halt'] } });
  await own.pass(1);
  const event = { entry: 0, at: 1, kind: 'playbook', severity: 'warning', key: 'k', state: 'once', by: 'p' } as const;
  await own.now().tell('ops', { ...event, title: 'p: Slow fires', text: 'scale out 1 → 2: done' });
  await own.kill();
  await own.pass(3);
  assert.deepEqual(own.titles(), ['p: Slow fires']);
});

test('entries that were removed before anybody read them are told by their number', async () => {
  await using own = await world();
  await own.pass(1);
  await own.note({});
  await own.pass(3);
  await own.now()[Symbol.asyncDispose]();
  for (let index = 0; index < 30; index += 1) await own.note({ subject: `d${index}` });
  await own.journal.prune({ keepMs: 1e12, entriesMax: 10 });
  await own.kill();
  await own.pass(70);
  assert.ok(
    own.titles().includes('20 entries of the journal were removed before they could be told'),
    own.titles().join('\n'),
  );
});
