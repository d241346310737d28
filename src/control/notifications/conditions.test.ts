/** What lasts: error budgets by recorded minutes, sinks by what they lose, and their entries in the journal, over a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notificationsSettings, type NotificationsSettings } from '../../config/notifications-specification.ts';
import { deploymentSpecification } from '../../config/specification.ts';
import type { JournalNote } from '../../journal/entry.ts';
import type { SeriesQuery } from '../../series/open-series.ts';
import { emptyStretch } from '../../series/stretch.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import type { Deployments } from '../deployments.ts';
import { watchBurning } from './burning.ts';
import { startConditions, type Condition } from './conditions.ts';
import { watchDropping } from './dropping.ts';

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const ops = notificationsSettings.parse({ channels: { ops: { kind: 'slack', url: 'http://127.0.0.1/x' } } });
const nobody: NotificationsSettings = { channels: {} };

function world(watchers: readonly (() => Promise<readonly Condition[]>)[], notifications = ops) {
  const notes: JournalNote[] = [];
  const meta = new Map<string, string>();
  const clock = createVirtualClock();
  const parts = {
    store: {
      meta: async (key: string) => meta.get(key),
      setMeta: async (key: string, value: string) => void meta.set(key, value),
    },
    journal: { note: (note: JournalNote) => void notes.push(note) },
    deployments: { notifications: () => notifications },
    watchers,
    clock,
  };
  let stop = startConditions(parts);
  return {
    clock,
    said: () => notes.map(({ action, subject }) => `${subject} ${action}`),
    async minutes(count: number) {
      for (let minute = 0; minute < count; minute += 1) {
        clock.pass(60_000);
        await settle();
      }
    },
    async restart() {
      await stop();
      stop = startConditions(parts);
    },
  };
}

test('what holds begins once and ends once, over a restart too, and nothing is looked at for nobody', async () => {
  let holds: readonly Condition[] = [];
  let looks = 0;
  const watcher = async () => {
    looks += 1;
    return holds;
  };
  const own = world([watcher]);
  await own.minutes(2);
  holds = [{ of: 'slo-burn', subject: 'digits, x', deployment: 'digits', reason: 'fast' }];
  await own.minutes(3);
  await own.restart();
  await own.minutes(2);
  holds = [];
  await own.minutes(2);
  assert.deepEqual(own.said(), ['digits, x began', 'digits, x ended']);
  const before = looks;
  await world([watcher], nobody).minutes(3);
  assert.equal(looks, before);
});

/** Minutes of `to`, each with so many requests and so many of them late and failed; NaN: not recorded. */
function burnWorld(slo: object, minute: (ago: number) => { all: number; late: number; failed: number }) {
  const specification = deploymentSpecification.parse({ model: 'm', slo });
  const clock = createVirtualClock();
  const series = {
    async read({ from, to, stepMs, columns }: SeriesQuery) {
      const length = (to - from) / stepMs;
      const stretch = emptyStretch(from, stepMs, length, columns);
      for (let index = 0; index < length; index += 1) {
        const { all, late, failed } = minute(length - 1 - index);
        const row = { arrivals: all, completed: all, late, failed, shed: 0 };
        for (const [column, into] of stretch.values) into[index] = row[column as keyof typeof row];
      }
      return stretch;
    },
  };
  const deployments = { all: () => [{ name: 'digits', record: { specification } }] } as unknown as Deployments;
  return watchBurning({ series, deployments, clock });
}

test('late answers and failed requests burn each their own budget; what nobody recorded burns none', async () => {
  const calm = { all: 600, late: 0, failed: 0 };
  const subjects = async (slo: object, minute: Parameters<typeof burnWorld>[1]) =>
    (await burnWorld(slo, minute)()).map(({ subject }) => subject);
  assert.deepEqual(await subjects({ p99Ms: 100 }, () => calm), []);
  assert.deepEqual(await subjects({ p99Ms: 100 }, () => ({ ...calm, late: 120 })), ['digits, answers within 100 ms']);
  assert.deepEqual(await subjects({}, () => ({ ...calm, late: 120, failed: 60 })), ['digits, answers at all']);
  assert.deepEqual(await subjects({ availability: 1 }, () => ({ ...calm, failed: 60 })), []);
  // It is over: the last five minutes are well.
  assert.deepEqual(await subjects({ p99Ms: 100 }, (ago) => (ago < 30 ? calm : { ...calm, late: 120 })), []);
  const unknown = { all: Number.NaN, late: Number.NaN, failed: Number.NaN };
  assert.deepEqual(await subjects({ p99Ms: 100 }, (ago) => (ago % 2 === 0 ? unknown : { ...calm, late: 120 })), [
    'digits, answers within 100 ms',
  ]);
  assert.deepEqual(await subjects({ p99Ms: 100 }, () => unknown), []);
  const [burn] = await burnWorld({ p99Ms: 100 }, () => ({ ...calm, late: 120 }))();
  assert.match(burn?.reason ?? '', /^over 60 minutes 20\.0 × as fast as the objective allows/);
});

test('a sink that loses data is told until five minutes are without a loss', async () => {
  const clock = createVirtualClock();
  const dropped = { full: 0, refused: 0, too_large: 0, closed: 0 };
  let there = true;
  const look = watchDropping(
    () => (there ? [{ name: 'influx', dropped: { ...dropped }, lastError: 'no' }] : []),
    clock,
  );
  assert.deepEqual(await look(), []);
  dropped.full = 12;
  assert.deepEqual(await look(), [
    { of: 'sink-dropping', subject: 'influx', reason: '12 items are lost since it was opened: no' },
  ]);
  clock.pass(299_000);
  assert.equal((await look()).length, 1);
  clock.pass(1000);
  assert.deepEqual(await look(), []);
  // Opened anew, and losing again.
  dropped.full = 3;
  assert.equal((await look()).length, 1);
  there = false;
  assert.deepEqual(await look(), []);
});
