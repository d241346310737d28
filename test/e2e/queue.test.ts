/**
 * What becomes of requests that wait: company that is bad, callers that hang up, deadlines, a full queue, a drain.
 * Each of these is a complaint about another server; here the real platform is asked to do better.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { counter, lookup } from '../fixtures/models.ts';
import { ask, v2, type Answer } from '../support/ask.ts';
import { openRaw } from '../support/raw.ts';
import { readExposition } from '../support/exposition.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';

const spec = { name: 'x', datatype: 'FP32', shape: [-1, 4] };
const slow = { platform: 'simulated', simulated: { inputs: [spec], outputs: [spec], serviceMs: 300 } };
const row = { name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] };
const index = (value: number): string => v2({ name: 'index', datatype: 'INT64', shape: [1, 1], data: [value] });
/** A million trips take around a second. */
const trips = (count: number): string =>
  v2({ name: 'trips', datatype: 'INT64', shape: [1], data: [count] }, { ...row, data: [0, 0, 0, 0] });
const longWork = 1_500_000;

const codeOf = (answer: Answer): unknown => answer.json()['code'];

describe('the queue of the real platform', () => {
  let platform: Platform;
  const infer = (model: string): string => `${platform.http}/v2/models/${model}/infer`;

  const statistics = async (model: string): Promise<{ inference_count: number; execution_count: number }> => {
    const { model_stats: all } = (await ask(`${platform.http}/v2/models/${model}/stats`)).json() as {
      model_stats: { inference_count: number; execution_count: number }[];
    };
    return all[0] as { inference_count: number; execution_count: number };
  };
  const metric = async (line: RegExp): Promise<number> => {
    const found = line.exec((await ask(`${platform.metrics}/metrics`)).body.toString());
    return Number(found?.[1] ?? 0);
  };
  const inFlight = (deployment: string): Promise<number> =>
    metric(new RegExp(`^flyball_requests_in_flight\\{[^}]*deployment="${deployment}"[^}]*\\} (\\d+)$`, 'm'));
  const waiting = (deployment: string): Promise<number> =>
    metric(new RegExp(`^flyball_queue_length\\{[^}]*deployment="${deployment}"[^}]*\\} (\\d+)$`, 'm'));
  const reaches = (what: string, read: () => Promise<number>, wanted: number): Promise<true> =>
    until(`${what} to be ${wanted}`, async () => ((await read()) === wanted ? true : undefined), 10_000);

  before(async () => {
    platform = await startPlatform({
      models: {
        'lookup/1/model.onnx': lookup(),
        'counter/1/model.onnx': counter(),
        'slow/model.yaml': JSON.stringify(slow),
      },
      specification: {
        models: Object.fromEntries(['lookup', 'counter', 'slow'].map((name) => [name, { path: `./models/${name}` }])),
        deployments: {
          lookup: { model: 'lookup', batching: { sizeMax: 8, delayMs: 200 } },
          // Work that nobody waits for any more is to come to its end, however slow the machine.
          counter: { model: 'counter', health: { silentMs: 60_000 } },
          slow: { model: 'slow', batching: { sizeMax: 1 }, queue: { lengthMax: 4 } },
        },
      },
    });
    await platform.serving();
  });
  after(() => platform[Symbol.asyncDispose]());

  test('one bad request among eight in a batch: seven right answers, one failure in the words of the runtime', async () => {
    const failedBatches = /^flyball_batches_total\{deployment="lookup",version="1",ok="false"\} (\d+)$/m;
    const answers = await Promise.all(
      [0, 1, 2, 3, 99, 0, 1, 2].map((value) => ask(infer('lookup'), { body: index(value) })),
    );
    const good = answers.filter(({ status }) => status === 200);
    assert.deepEqual(
      good.map((answer) => (answer.json() as { outputs: { data: number[] }[] }).outputs[0]?.data[0]),
      [10, 20, 30, 40, 10, 20, 30],
    );
    const bad = answers.find(({ status }) => status !== 200);
    assert.equal(bad && codeOf(bad), 'INFERENCE_FAILED');
    assert.match(String(bad?.json()['error']), /idx=99/);
    assert.ok((await metric(failedBatches)) >= 2, 'they did share a call: it failed, and so did a part of it');
  });

  test('who hangs up while waiting is never computed', async () => {
    const before_ = await statistics('slow');
    const [runs, stays] = [ask(infer('slow'), { body: v2(row) }), ask(infer('slow'), { body: v2(row) })];
    const hangUp = new AbortController();
    const gone = [1, 2].map(() => ask(infer('slow'), { body: v2(row), signal: hangUp.signal }).catch(() => 'gone'));
    await reaches('the queue', () => waiting('slow'), 3);
    hangUp.abort();
    assert.deepEqual(await Promise.all(gone), ['gone', 'gone']);
    assert.deepEqual([(await runs).status, (await stays).status], [200, 200]);
    await reaches('the queue', () => waiting('slow'), 0);
    const { inference_count: executed } = await statistics('slow');
    assert.equal(executed - before_.inference_count, 2, 'four were sent');
    const cancelled = /^flyball_requests_total\{deployment="slow",[^}]*outcome="CANCELLED"\} (\d+)$/m;
    assert.equal(await metric(cancelled), 2);
  });

  test('a full queue refuses at once and says when to come back', async () => {
    const admitted = Array.from({ length: 5 }, () => ask(infer('slow'), { body: v2(row) }));
    await reaches('the queue', () => waiting('slow'), 4);
    let answered = 0;
    for (const answer of admitted) void answer.then(() => (answered += 1));
    const before_ = answered;
    const refused = await ask(infer('slow'), { body: v2(row) });
    assert.ok(answered - before_ <= 1, 'it did not wait its turn');
    assert.deepEqual([refused.status, codeOf(refused)], [503, 'QUEUE_FULL']);
    assert.match(String(refused.headers['retry-after']), /^[1-9]\d*$/);
    assert.deepEqual(
      await Promise.all(admitted.map(async (answer) => (await answer).status)),
      [200, 200, 200, 200, 200],
    );
  });

  test('a deadline acts while another request is computed, and the slot stays taken until that has really ended', async () => {
    const before_ = await statistics('counter');
    const over = ask(infer('counter'), { body: trips(longWork), headers: { 'Flyball-Deadline-Ms': '150' } });
    await reaches('what is in flight', () => inFlight('counter'), 1);
    const late = ask(infer('counter'), { body: trips(1), headers: { 'Flyball-Deadline-Ms': '100' } });
    const next = ask(infer('counter'), { body: trips(1), headers: { 'Flyball-Timing': '1' } });
    const expired = await late;
    assert.deepEqual([expired.status, codeOf(expired)], [504, 'DEADLINE_EXCEEDED']);
    assert.match(String(expired.json()['error']), /never started/);
    assert.match(String((await over).json()['error']), /being computed/);
    const served = await next;
    assert.equal(served.status, 200);
    const queueMs = Number(/queue;dur=([\d.]+)/.exec(String(served.headers['server-timing']))?.[1]);
    assert.ok(queueMs > 100, `it began after the late one had ended, ${queueMs} ms later`);
    const { inference_count: executed } = await statistics('counter');
    assert.equal(executed - before_.inference_count, 2, 'three were sent');
  });

  test("a request that fails is in the log with its id and trace, and without its caller's secrets", async () => {
    const headers = {
      'X-Request-Id': 'find-me-4711',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      authorization: 'Bearer not-for-the-log',
    };
    const answer = await ask(infer('lookup'), { body: index(99), headers });
    assert.equal(answer.headers['x-request-id'], 'find-me-4711');
    const log = (): string => readFileSync(join(platform.dataDirectory, 'flyball.log'), 'utf8');
    const line = await until('the line', () =>
      log()
        .split('\n')
        .find((each) => each.includes('find-me-4711')),
    );
    const event = JSON.parse(line) as Record<string, unknown>;
    assert.equal(event['traceparent'], headers.traceparent);
    assert.equal(event['outcome'], 'INFERENCE_FAILED');
    assert.doesNotMatch(log(), /not-for-the-log/);
  });

  test('the metrics are valid to a strict reader, in base units, and have what an operator asks for first', async () => {
    const answer = await ask(`${platform.metrics}/metrics`);
    assert.match(String(answer.headers['content-type']), /^text\/plain; version=0\.0\.4/);
    const families = readExposition(answer.body.toString());
    const typeOf = (name: string): string | undefined => families.get(name)?.type;
    for (const name of [
      'flyball_request_duration_seconds',
      'flyball_queue_duration_seconds',
      'flyball_compute_duration_seconds',
      'flyball_batch_size',
      'flyball_cold_start_seconds',
    ])
      assert.equal(typeOf(name), 'histogram', name);
    const stages = families.get('flyball_cold_start_seconds')?.series.map(({ labels }) => labels['stage']);
    assert.deepEqual(new Set(stages), new Set(['start', 'load', 'warm']));
    const ofSlow = (suffix: string): number =>
      families
        .get('flyball_compute_duration_seconds')
        ?.series.find(
          ({ name, labels }) => name.endsWith(suffix) && labels['deployment'] === 'slow' && labels['version'] === '1',
        )?.value ?? Number.NaN;
    const mean = ofSlow('_sum') / ofSlow('_count');
    assert.ok(mean > 0.29 && mean < 2, `seconds, not milliseconds: ${mean}`);
  });

  test('while it drains it is alive and not ready, and finishes what it has', async () => {
    // A question that was on its way when the drain began, over a connection that is open.
    const { hostname, port } = new URL(platform.http);
    await using asked = await openRaw(Number(port), hostname);
    asked.send('GET /readyz HTTP/1.1\r\nHost: flyball\r\n');
    const running = Array.from({ length: 4 }, () => ask(infer('slow'), { body: v2(row) }));
    await reaches('the queue', () => waiting('slow'), 3);
    const ended = platform.end('SIGTERM');
    await until('new connections to be refused', () =>
      ask(`${platform.http}/livez`).then(
        () => undefined,
        () => true,
      ),
    );
    // Callers are told to close once every worker has had its time to stop listening (`togetherMs` of the listener).
    await setTimeout(100);
    asked.send('\r\n');
    await asked.reaches(/^HTTP\/1\.1 503 .*connection: close.*\{"ready":false\}$/is);
    assert.deepEqual(await Promise.all(running.map(async (answer) => (await answer).status)), [200, 200, 200, 200]);
    assert.equal(await ended, 0);
  });
});
