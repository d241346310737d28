/** What entries of the journal mean to people. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loopMs, nothingSeen, passTime, readEntry, type Entry, type Watch } from './from-journal.ts';
import type { NotificationEvent } from './event.ts';

let id = 0;
function entry(kind: string, action: string, more: Partial<Entry> = {}): Entry {
  id += 1;
  return { id, at: id * 1000, kind, action, subject: 'digits', by: 'ada', reason: 'because', ...more };
}

function readAll(entries: readonly Entry[], before: Watch = nothingSeen) {
  let watch = before;
  const events: NotificationEvent[] = [];
  for (const one of entries) {
    const read = readEntry(watch, one);
    watch = read.watch;
    events.push(...read.events);
  }
  return { watch, events };
}
const words = ({ kind, state, title }: NotificationEvent) => `${kind} ${state}: ${title}`;
const told = (...entries: readonly Entry[]) => readAll(entries).events.map(words);

test('halts, modes, approvals and what people asked for', () => {
  const platform = { subject: 'platform' };
  const wish = { by: 'governor', details: { id: 'a1', from: 2, to: 4 } };
  assert.deepEqual(
    told(
      entry('halt', 'halt all', platform),
      entry('halt', 'release', platform),
      entry('halt', 'halt'),
      entry('mode', 'auto'),
      entry('approval', 'ask', wish),
      entry('approval', 'expire', { by: 'governor' }),
      entry('approval', '2 → 4'),
      entry('change', 'scale', { reason: 'operation 1' }),
      entry('change', 'scale ended', { reason: 'succeeded' }),
      entry('change', 'deploy ended', { reason: 'failed: no such operator' }),
      entry('upkeep', 'serve 7 again', { by: 'upkeep' }),
      entry('upkeep', 'start 2', { by: 'upkeep' }),
      entry('journal', 'prune'),
      entry('journal', 'gap'),
      entry('tomorrow', 'whatever'),
    ),
    [
      'halt began: The platform is halted by ada',
      'halt ended: The platform is released by ada',
      'halt began: digits is halted by ada',
      'mode-changed once: digits: the mode is auto, set by ada',
      'approval began: digits: 2 → 4 replicas waits for approval',
      'approval ended: digits: expired, not decided by governor',
      'scaled once: digits: 2 → 4 replicas, approved',
      'change once: digits: scale by ada',
      'operation-failed once: digits: deploy failed',
      'version-rejected once: digits: serve 7 again, the new version was taken back',
      'journal-gap once: Entries of the journal are missing',
    ],
  );
});

test('a halt of the platform is of no deployment, and its end has its key', () => {
  const { events } = readAll([
    entry('halt', 'halt', { subject: 'platform' }),
    entry('halt', 'release', { subject: 'platform' }),
  ]);
  assert.equal(events[0]?.deployment, undefined);
  assert.equal(events[0]?.key, events[1]?.key);
});

test('decisions: moved, did not help, and policies that give no sound answer, once each', () => {
  const decision = (unsound: readonly string[], kind = 'advised') =>
    entry('decision', '2 → 4', { by: 'governor', details: { decision: { unsound }, done: { kind } } });
  assert.deepEqual(
    told(
      decision([], 'moved'),
      decision([]),
      entry('decision', 'no help', { by: 'governor' }),
      entry('decision', 'helped', { by: 'governor' }),
      decision(['slo threw']),
      decision(['slo threw']),
      decision([]),
    ),
    [
      'scaled once: digits: 2 → 4 replicas',
      'change-failed began: digits: a change did not help',
      'change-failed ended: digits: the last change helped',
      'policy-failed began: digits: its scaling policy gives no sound answer',
      'policy-failed ended: digits: its scaling policy answers again',
    ],
  );
});

test('three failures within ten minutes are a loop, which is over after ten minutes without', () => {
  const failed = (at: number) => entry('replica', 'failed', { at, details: { replica: `digits-${at}` } });
  const slow = readAll([failed(0), failed(loopMs), failed(2 * loopMs)]);
  assert.ok(slow.events.every(({ kind }) => kind === 'replica-failed'));
  const { watch, events } = readAll([failed(0), failed(1000), failed(2000), failed(3000)]);
  assert.deepEqual(events.filter(({ kind }) => kind === 'crash-loop').map(words), [
    'crash-loop began: digits: 3 replicas failed within 10 minutes',
  ]);
  assert.deepEqual(passTime(watch, loopMs).events, []);
  const over = passTime(watch, 3000 + loopMs);
  assert.deepEqual(over.events.map(words), ['crash-loop ended: digits: replicas no longer fail']);
  assert.deepEqual(passTime(over.watch, 1e12).events, []);
});

test('each alert of a group is an event with its own key; what another platform relays is not relayed back', () => {
  const alert = (change: string, alertname: string, fingerprint: string) => ({
    change,
    fingerprint,
    labels: { alertname, deployment: 'digits' },
  });
  const alerts = [alert('fired', 'Slow', 'a'), alert('resolved', 'Full', 'b'), alert('fired', 'flyball-alert', 'c')];
  const { events } = readAll([
    entry('alert', '2 fired, 1 resolved', { subject: 'alerts', by: 'grafana', details: { alerts } }),
  ]);
  assert.deepEqual(events.map(words), ['alert began: Alert Slow fires', 'alert ended: Alert Full is resolved']);
  assert.equal(events[0]?.deployment, 'digits');
  assert.notEqual(events[0]?.key, events[1]?.key);
});

test('what an event keeps of an entry is bounded', () => {
  const long = 'x'.repeat(100_000);
  const { events } = readAll([entry('halt', 'halt', { by: long, reason: long })]);
  assert.ok(JSON.stringify(events).length < 2500);
});

test('details of any form are taken for what they are', () => {
  for (const details of [undefined, null, 7, 'text', [], { alerts: [null, 3] }, { decision: null, done: 1 }]) {
    for (const kind of ['alert', 'decision', 'condition', 'approval', 'replica']) {
      assert.doesNotThrow(() => readEntry(nothingSeen, entry(kind, 'ask', { details })));
    }
  }
});

test('conditions begin and end, each with its own key', () => {
  const burns = (action: string, subject: string) =>
    entry('condition', action, { subject, details: { of: 'slo-burn', deployment: 'digits' } });
  const sink = entry('condition', 'began', { subject: 'influx-1', details: { of: 'sink-dropping' } });
  const { events } = readAll([
    burns('began', 'digits, a'),
    burns('began', 'digits, b'),
    burns('ended', 'digits, a'),
    sink,
  ]);
  assert.deepEqual(events.map(words), [
    'slo-burn began: digits, a: the error budget burns',
    'slo-burn began: digits, b: the error budget burns',
    'slo-burn ended: digits, a: the error budget burns no more',
    'sink-dropping began: influx-1: telemetry is lost on its way',
  ]);
  assert.equal(events[0]?.key, events[2]?.key);
  assert.notEqual(events[0]?.key, events[1]?.key);
  assert.equal(events[3]?.deployment, undefined);
});
