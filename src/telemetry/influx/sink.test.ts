/** A sink under whatever its receiver does: telling it returns at once, and it holds no more than its bound. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { systemClock } from '../../clock.ts';
import { telemetrySettings } from '../../config/telemetry-specification.ts';
import { seededRng } from '../../rng.ts';
import { parseLines } from '../../testing/line-parser.ts';
import { startLineReceiver, type LineReceiver } from '../../testing/line-receiver.ts';
import { until } from '../../testing/until.ts';
import type { MetricFamily } from '../metrics.ts';
import { openInfluxSink, type InfluxSink, type Look } from './sink.ts';

const open = (given: object): InfluxSink => {
  const [settings] = telemetrySettings.parse({ influx: [{ name: 'a', ...given }] }).influx;
  assert.ok(settings !== undefined);
  return openInfluxSink(settings, { readSecret: async () => 's', clock: systemClock, rng: seededRng(1) });
};
const bufferBytesMax = 65_536;
const lookAt = (families: readonly MetricFamily[], wall: number): Look => ({
  parts: [{ source: 'a', families }],
  families,
  wall,
});
const families = (count: number): MetricFamily[] => {
  const samples = Array.from({ length: count }, (_, index) => ({ labels: { deployment: `d${index}` }, value: 1 }));
  return [{ name: 'flyball_replicas_desired', help: 'h', type: 'gauge', samples }];
};

const hostile: Record<string, LineReceiver['answer']> = {
  'takes nothing and says so': (_, response) => void response.writeHead(500).end(),
  hangs: () => {},
  'closes the connection': (_, response) => void response.destroy(),
  'answers a byte a second': (_, response) => {
    response.writeHead(204);
    const more = setInterval(() => (response.destroyed ? clearInterval(more) : response.write('x')), 1000);
  },
};

for (const [words, answer] of Object.entries(hostile)) {
  test(`a receiver that ${words} costs no more than the bound, and every line is accounted for`, async () => {
    await using receiver = await startLineReceiver();
    receiver.answer = answer;
    const sink = open({ kind: 'v1', url: receiver.url, database: 'd', bufferBytesMax, timeoutMs: 100 });
    for (let look = 0; look < 40; look += 1) await sink.tell(lookAt(families(100), look), []);
    const { waiting, waitingBytes, dropped, offered, sent } = sink.view();
    assert.ok(waitingBytes <= bufferBytesMax, String(waitingBytes));
    assert.equal(offered, 4000);
    assert.equal(sent + waiting + dropped.full, 4000);
    assert.ok(dropped.full > 2000);
    await until('its failing', () => (sink.view().state === 'failing' ? true : undefined));
    await sink.close(0);
  });
}

test('what waited while the receiver was down comes when it is back, in order and once', async () => {
  await using receiver = await startLineReceiver();
  receiver.answer = (_, response) => void response.writeHead(503, { 'retry-after': '1' }).end();
  const sink = open({ kind: 'v1', url: receiver.url, database: 'd' });
  for (let look = 1; look <= 5; look += 1) await sink.tell(lookAt(families(10), look), []);
  await until('a refusal', () => (receiver.requests.length > 0 ? true : undefined));
  const refused = receiver.requests.length;
  receiver.answer = (_, response) => void response.writeHead(204).end();
  await until('all of them', () => (sink.view().sent === 50 ? true : undefined), 20_000);
  const times = receiver.requests
    .slice(refused)
    .flatMap(({ body }) => parseLines(body).map(({ at }) => Number(at) / 1e6));
  assert.deepEqual(
    times,
    [1, 2, 3, 4, 5].flatMap((look) => Array.from({ length: 10 }, () => look)),
  );
  await sink.close(0);
});

test('NaN and infinities are left out and counted, and the rest of the line goes', async () => {
  await using receiver = await startLineReceiver();
  const sink = open({ kind: 'v1', url: receiver.url, database: 'd' });
  const bad = { name: 'flyball_governor_forecast', help: 'h', type: 'gauge' } as const;
  const samples = [NaN, Infinity, 3].map((value, index) => ({ labels: { policy: String(index) }, value }));
  await sink.tell(lookAt([...families(1), { ...bad, samples }], 1), []);
  await sink.close(5000);
  const lines = receiver.requests.flatMap(({ body }) => parseLines(body));
  assert.deepEqual([lines.length, sink.view().leftOut], [2, 2]);
});

test('a large platform is made into lines piece by piece: others get their turn', async () => {
  await using receiver = await startLineReceiver();
  const sink = open({ kind: 'v1', url: receiver.url, database: 'd' });
  let turns = 0;
  const counting = (async (): Promise<void> => {
    for (; turns < 20; turns += 1) await sleep(0);
  })();
  await sink.tell(lookAt(families(10_000), 1), []);
  const meanwhile = turns;
  await counting;
  await sink.close(5000);
  assert.ok(meanwhile > 0, 'the event loop turned while lines were made');
  assert.equal(sink.view().sent, 10_000);
});
