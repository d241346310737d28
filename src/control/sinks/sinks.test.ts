/** Sinks as the specification has them: told at their own pace, of new entries only, and changed while control runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../clock.ts';
import { telemetrySettings, type TelemetrySettings } from '../../config/telemetry-specification.ts';
import { chained, journalStart, type JournalEntry, type JournalNote } from '../../journal/entry.ts';
import { seededRng } from '../../rng.ts';
import { openRegistry } from '../../telemetry/registry.ts';
import { printFamilies } from '../../telemetry/text.ts';
import { parseLines } from '../../testing/line-parser.ts';
import { startLineReceiver } from '../../testing/line-receiver.ts';
import { until } from '../../testing/until.ts';
import { registerSinkFamilies } from './families.ts';
import { openSinks } from './sinks.ts';

function world() {
  let settings: TelemetrySettings | undefined;
  let asked = 0;
  let failing = false;
  const entries: JournalEntry[] = [];
  const sinks = openSinks({
    settings: () => settings,
    async families() {
      asked += 1;
      if (failing) throw new Error('the supervisor told no metrics');
      const samples = [{ labels: {}, value: asked }];
      return [{ source: 'control 0', families: [{ name: 'flyball_asked', help: 'h', type: 'gauge', samples }] }];
    },
    store: {
      journal: async ({ after = 0, limit = 100 } = {}) => entries.filter(({ id }) => id > after).slice(0, limit),
      journalHead: async () => entries.at(-1) ?? journalStart,
    },
    clock: systemClock,
    rng: seededRng(1),
  });
  return {
    sinks,
    apply: (...influx: readonly object[]) => void (settings = telemetrySettings.parse({ influx })),
    note: (note: JournalNote) => void entries.push(...chained(entries.at(-1) ?? journalStart, [{ ...note, at: 5 }])),
    fail: (now: boolean) => void (failing = now),
    asked: () => asked,
  };
}
const note: JournalNote = { kind: 'decision', action: '1 → 2', subject: 'd', by: 'governor', reason: 'more' };

test('nobody is asked while there is no sink', async () => {
  const { sinks, asked } = world();
  await using _ = sinks;
  sinks.start();
  assert.deepEqual([asked(), sinks.status(), sinks.warnings()], [0, {}, []]);
});

test('a sink gets metrics, and each entry that is new once; one that is taken out gets nothing more', async () => {
  await using receiver = await startLineReceiver();
  const { sinks, apply, note: write } = world();
  await using _ = sinks;
  write({ ...note, reason: 'before it was there' });
  apply({ kind: 'v1', name: 'team', url: receiver.url, database: 'd', intervalMs: 1000, tags: { site: 'lab' } });
  sinks.start();
  const lines = () => receiver.requests.flatMap(({ body }) => parseLines(body));
  await until('metrics', () => lines().find(({ measurement }) => measurement === 'flyball_asked'));
  write(note);
  write({ ...note, action: 'advise 2 → 3' });
  const decisions = () => lines().filter(({ measurement }) => measurement === 'flyball_decision');
  await until('decisions', () => (decisions().length > 1 ? true : undefined), 10_000);
  assert.deepEqual(
    decisions().map(({ fields, tags }) => [fields['reason'], fields['to'], { ...tags }]),
    [
      ['more', 2n, { by: 'governor', deployment: 'd', site: 'lab' }],
      ['more', undefined, { by: 'governor', deployment: 'd', site: 'lab' }],
    ],
  );
  apply();
  await until('its end', () => (sinks.views().length === 0 ? true : undefined));
});

test('one that fails is told in the warnings and as metrics, with what it lost', async () => {
  await using receiver = await startLineReceiver();
  receiver.answer = (_, response) => void response.writeHead(401).end('{"error": "unauthorized access"}');
  const { sinks, apply } = world();
  await using _ = sinks;
  apply({ kind: 'v1', name: 'team', url: receiver.url, database: 'd', intervalMs: 1000 });
  sinks.start();
  await until('a warning', () => (sinks.warnings().length > 0 ? true : undefined));
  assert.match(
    sinks.warnings()[0] ?? '',
    /^sink team \(v1\) takes nothing: it answered 401: unauthorized access; \d+ wait, nothing is lost yet$/,
  );
  const registry = openRegistry();
  registerSinkFamilies(registry, () => sinks.views());
  const text = printFamilies(registry.families());
  assert.match(text, /flyball_sink_failing\{sink="team",kind="v1"\} 1\n/);
  assert.match(text, /flyball_sink_items_dropped_total\{sink="team",kind="v1",reason="full"\} 0\n/);
  receiver.answer = (_, response) => void response.writeHead(400).end('{"error": "bad"}');
  await until(
    'a loss',
    () => sinks.views().find(({ dropped, lastDropAt }) => dropped.refused > 0 && lastDropAt),
    20_000,
  );
  receiver.answer = (_, response) => void response.writeHead(204).end();
  await until('its working', () => sinks.views().find(({ state }) => state === 'working'), 20_000);
  assert.match(sinks.warnings()[0] ?? '', /^sink team \(v1\) has lost some of what it was sent: \d+ refused$/);
});

test('when the processes cannot be asked, that is said, and it goes on', async () => {
  await using receiver = await startLineReceiver();
  const { sinks, apply, fail } = world();
  await using _ = sinks;
  fail(true);
  apply({ kind: 'v1', name: 'team', url: receiver.url, database: 'd', intervalMs: 1000 });
  sinks.start();
  await until('a warning', () => sinks.warnings().find((words) => words.startsWith('sinks are told nothing')));
  fail(false);
  await until('lines', () => receiver.requests[0], 10_000);
});

test('at the end what happened last is told', async () => {
  await using receiver = await startLineReceiver();
  const { sinks, apply, note: write } = world();
  apply({ kind: 'v1', name: 'team', url: receiver.url, database: 'd', intervalMs: 600_000 });
  sinks.start();
  await until('the first look', () => receiver.requests[0]);
  write(note);
  await sinks.finish(10_000);
  assert.match(receiver.requests.at(-1)?.body ?? '', /^flyball_decision,/m);
});
