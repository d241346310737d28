/** The way from events to messages: examples, and the laws over whatever comes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  attempt,
  backOffMaxMs,
  emptyChannel,
  ended,
  groupsMax,
  nextAttemptAt,
  settled,
  take,
  totalOf,
  waitingOf,
  type ChannelSettings,
  type ChannelState,
  type Message,
} from './channel.ts';
import { eventKinds, type EventKind, type NotificationEvent } from './event.ts';

const settings: ChannelSettings = {
  severityMin: 'warning',
  resolved: true,
  groupMs: 5000,
  perMinuteMax: 3,
  repeatMs: 3_600_000,
  giveUpMs: 86_400_000,
};

let entry = 0;
function event(kind: EventKind, deployment: string, more: Partial<NotificationEvent> = {}): NotificationEvent {
  entry += 1;
  const { severity } = eventKinds[kind];
  const key = `${kind} ${deployment}`;
  const title = `${key} ${entry}`;
  return { entry, at: entry, kind, severity, deployment, key, state: 'once', title, text: '', by: 'x', ...more };
}

const takeAll = (events: readonly NotificationEvent[], at: number, own = settings): ChannelState =>
  events.reduce((state, one) => take(state, own, one, at), emptyChannel);

/** Sends what is due at each of these moments; every attempt succeeds. */
function sendAt(state: ChannelState, times: readonly number[], own = settings) {
  const sent: { readonly at: number; readonly message: Message }[] = [];
  for (const at of times) {
    const tried = attempt(state, own, at);
    state = tried.state;
    if (tried.message === undefined) continue;
    sent.push({ at, message: tried.message });
    state = ended(state, own, { kind: 'sent' }, at);
  }
  return { state, sent };
}
const titles = ({ group }: Message) => group?.waiting.map(({ event: { title } }) => title) ?? [];

test('what comes of one deployment and kind within the window goes in one message, in order', () => {
  const state = takeAll(
    [event('halt', 'a', { title: '1' }), event('mode-changed', 'a'), event('halt', 'a', { title: '2' })],
    0,
  );
  const { sent } = sendAt(state, [4999, 5000, 5001]);
  assert.deepEqual(
    sent.map(({ at, message }) => [at, message.group?.kind]),
    [
      [5000, 'halt'],
      [5001, 'mode-changed'],
    ],
  );
  assert.deepEqual(titles(sent[0]!.message), ['1', '2']);
});

test('what a channel does not want is not told: by severity, kind and deployment', () => {
  const own: ChannelSettings = { ...settings, events: ['halt', 'scaled'], deployments: ['a'] };
  const platform = event('halt', 'x');
  const { deployment: _, ...all } = platform;
  const state = takeAll(
    [event('scaled', 'a'), event('mode-changed', 'a'), event('halt', 'b'), event('halt', 'a'), all],
    0,
    own,
  );
  assert.deepEqual(
    state.groups.map(({ deployment }) => deployment),
    ['a', undefined],
  );
});

test('an end is told once, of what was told, and not where nobody wants ends', () => {
  const began = event('halt', 'a', { state: 'began' });
  const over = event('halt', 'a', { state: 'ended' });
  assert.equal(waitingOf(takeAll([over], 0)), 0);
  const { state } = sendAt(takeAll([began], 0), [5000]);
  const after = take(take(state, settings, over, 6000), settings, over, 6001);
  assert.deepEqual(
    sendAt(after, [11_000]).sent.map(({ message }) => titles(message)),
    [[over.title]],
  );
  const quiet = { ...settings, resolved: false };
  assert.equal(waitingOf(take(state, quiet, over, 6000)), 0);
});

test('the same of the same is quiet for its time, then it is told with how often it came; after its end it is news', () => {
  const again = (at: number, state: ChannelState) =>
    take(state, settings, event('halt', 'a', { state: 'began', title: 't' }), at);
  let { state } = sendAt(again(0, emptyChannel), [5000]);
  state = again(7000, again(6000, state));
  assert.equal(waitingOf(state), 0);
  assert.equal(state.counts.quiet, 2);
  const later = again(3_600_000, state);
  assert.equal(later.groups[0]?.waiting[0]?.repeats, 2);
  const over = take(state, settings, event('halt', 'a', { state: 'ended' }), 8000);
  assert.equal(waitingOf(again(9000, over)), 2);
});

test('over the rate the most severe go first, and what waits a minute for a place is counted and told in the next', () => {
  const names = Array.from({ length: 8 }, (_, index) => `d${index}`);
  const state = takeAll([...names.map((name) => event('mode-changed', name)), event('halt', 'z')], 0);
  const { state: after, sent } = sendAt(
    state,
    Array.from({ length: 300 }, (_, second) => 5000 + second * 1000),
  );
  assert.deepEqual(
    sent.map(({ at }) => at),
    [5000, 6000, 7000, 65_000, 66_000, 67_000, 125_000].slice(0, sent.length),
  );
  assert.equal(sent[0]?.message.group?.kind, 'halt');
  const told = sent.reduce(
    (sum, { message }) => sum + (message.group?.waiting.length ?? 0) + totalOf(message.leftOut),
    0,
  );
  assert.equal(told, 9);
  assert.deepEqual([after.counts.told + after.counts.leftOut, after.counts.leftOut > 0], [9, true]);
});

test('a receiver that fails is asked again after 1, 2, 4 … s up to five minutes, or when it says, and given up in the end', () => {
  const own = { ...settings, perMinuteMax: 60, giveUpMs: 3_600_000 };
  let state = takeAll([event('halt', 'a'), event('halt', 'a')], 0, own);
  let at = 5000;
  const waits: number[] = [];
  while (state.counts.undelivered === 0) {
    const tried = attempt(state, own, at);
    assert.ok(tried.message);
    state = ended(tried.state, own, { kind: 'failed', why: 'no', again: true }, at);
    const next = nextAttemptAt(state, own, at);
    assert.ok(next !== undefined);
    waits.push(next - at);
    at = next;
  }
  assert.deepEqual(waits.slice(0, 4), [1000, 2000, 4000, 8000]);
  assert.ok(waits.every((wait) => wait <= backOffMaxMs));
  assert.equal(state.counts.undelivered, 2);
  assert.deepEqual(attempt(state, own, at).message?.leftOut, { halt: 2 });

  const asked = attempt(takeAll([event('halt', 'a')], 0), settings, 5000);
  const patient = ended(asked.state, settings, { kind: 'failed', why: '429', again: true, afterMs: 42_000 }, 5000);
  assert.equal(nextAttemptAt(patient, settings, 5000), 47_000);
  const refused = ended(asked.state, settings, { kind: 'failed', why: '400', again: false }, 5000);
  assert.equal(refused.counts.undelivered, 1);
  const paused = ended(asked.state, settings, { kind: 'sent', pauseMs: 9000 }, 5000);
  assert.equal(attempt(take(paused, settings, event('halt', 'b'), 5000), settings, 13_000).message, undefined);
});

test('while a receiver is away, groups wait and grow, and are not left out for that', () => {
  let state = takeAll([event('halt', 'a')], 0);
  state = attempt(state, settings, 5000).state;
  state = ended(state, settings, { kind: 'failed', why: 'away', again: true, afterMs: 600_000 }, 5000);
  for (let at = 10_000; at < 600_000; at += 10_000) {
    state = attempt(take(state, settings, event('mode-changed', 'b'), at), settings, at).state;
  }
  assert.equal(state.counts.leftOut, 0);
  assert.equal(state.groups.length, 1);
  assert.equal(state.groups[0]?.waiting.length, 10);
  assert.equal(waitingOf(state), 60);
});

test('a state that was kept under another clock waits no longer than it would have', () => {
  const state = attempt(takeAll([event('halt', 'a'), event('halt', 'b')], 1e9), settings, 1e9 + 5000).state;
  const woken = settled(state, settings, 0);
  const next = nextAttemptAt(woken, settings, 0);
  assert.ok(next !== undefined && next <= backOffMaxMs);
  assert.ok(woken.groups.every(({ dueAt }) => dueAt <= settings.groupMs));
});

const kinds = fc.constantFrom<EventKind>('halt', 'alert', 'mode-changed', 'approval', 'scaled');
const steps = fc.array(
  fc.oneof(
    fc.record({
      does: fc.constant('take' as const),
      kind: kinds,
      deployment: fc.integer({ min: 0, max: 400 }).map((index) => `d${index}`),
      state: fc.constantFrom('began' as const, 'ended' as const, 'once' as const),
      title: fc.option(fc.constantFrom('same', 'other'), { nil: undefined }),
    }),
    fc.record({ does: fc.constant('pass' as const), ms: fc.constantFrom(0, 100, 1000, 7000, 61_000, 400_000) }),
    fc.record({
      does: fc.constant('send' as const),
      outcome: fc.constantFrom<'sent' | 'again' | 'refused' | 'kept on its way'>(
        'sent',
        'again',
        'refused',
        'kept on its way',
      ),
    }),
  ),
  { maxLength: 300 },
);

test('whatever comes: the rate is kept, every event is told or counted, order holds, and nothing grows without bound', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), (all, perMinuteMax) => {
      const own: ChannelSettings = { ...settings, severityMin: 'info', perMinuteMax, giveUpMs: 120_000 };
      let state = emptyChannel;
      let at = 0;
      let number = 0;
      const attempts: number[] = [];
      const toldOf = new Map<string, number>();
      let told = 0;
      for (const step of all) {
        if (step.does === 'pass') at += step.ms;
        else if (step.does === 'take') {
          number += 1;
          const { kind, deployment, state: of, title } = step;
          const made = event(kind, deployment, { state: of, entry: number, ...(title !== undefined && { title }) });
          state = take(state, own, made, at);
        } else {
          const tried = attempt(state, own, at);
          state = tried.state;
          if (tried.message === undefined) continue;
          attempts.push(at);
          const { group } = tried.message;
          if (step.outcome === 'sent') {
            told += (group?.waiting.length ?? 0) + (group?.more ?? 0);
            for (const { event: one } of group?.waiting ?? []) {
              const thing = `${one.kind} ${one.deployment}`;
              assert.ok((toldOf.get(thing) ?? 0) < one.entry, 'out of order');
              toldOf.set(thing, one.entry);
            }
            state = ended(state, own, { kind: 'sent' }, at);
          } else if (step.outcome !== 'kept on its way') {
            state = ended(state, own, { kind: 'failed', why: 'x', again: step.outcome === 'again' }, at);
          }
          // Killed before it knew: the next control has the state as it was kept.
          state = JSON.parse(JSON.stringify(state)) as ChannelState;
        }
        const { taken, quiet, leftOut, undelivered } = state.counts;
        assert.equal(taken, state.counts.told + quiet + leftOut + undelivered + waitingOf(state));
        assert.equal(state.counts.told, told);
        assert.ok(state.groups.length <= groupsMax);
        assert.ok(state.tries.length <= perMinuteMax);
      }
      for (const [index, from] of attempts.entries()) {
        assert.ok(attempts.filter((time, other) => other >= index && time < from + 60_000).length <= perMinuteMax);
      }
    }),
    { numRuns: 300 },
  );
});

test('what waits goes out in the end when the receiver takes it', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const own: ChannelSettings = { ...settings, severityMin: 'info', perMinuteMax: 60 };
      let state = emptyChannel;
      for (const step of all) {
        if (step.does === 'take') state = take(state, own, event(step.kind, step.deployment, { state: step.state }), 0);
      }
      let at = 0;
      for (let turn = 0; turn < 2000; turn += 1) {
        const next = nextAttemptAt(state, own, at);
        if (next === undefined) break;
        assert.ok(next >= at);
        at = next;
        const tried = attempt(state, own, at);
        // A look at which all due are held marks them; the next finds the place.
        state = tried.message === undefined ? tried.state : ended(tried.state, own, { kind: 'sent' }, at);
      }
      assert.equal(waitingOf(state), 0);
      assert.equal(totalOf(state.leftOut), 0);
    }),
    { numRuns: 50 },
  );
});
