import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../clock.ts';
import { arrivals } from './arrivals.ts';
import { closedLoop, openLoop } from './generator.ts';
import type { LoadReport } from './recorder.ts';
import { restTarget, type Outcome, type Target } from './target.ts';

const never = new AbortController().signal;
const base = { clock: systemClock, durationMs: 300, graceMs: 2000 };

function fakeTarget(slots: number, serve: () => Promise<Outcome>): Target & { readonly inFlightMax: () => number } {
  let inFlight = 0;
  let most = 0;
  return {
    slots,
    inFlightMax: () => most,
    async send() {
      most = Math.max(most, ++inFlight);
      const outcome = await serve();
      inFlight--;
      return outcome;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function conserved(report: LoadReport): void {
  assert.equal(report.scheduled, report.ok + report.failed + report.unanswered + report.unsent);
}

const every = (rate: number, durationMs: number): Iterator<number, void, void> =>
  arrivals({ kind: 'constant', rate }, durationMs, 'constant', () => 0);

test('an open loop sends as many as scheduled, and every one is accounted for', async () => {
  const target = fakeTarget(8, async () => ({ kind: 'ok' }));
  const report = await openLoop({ ...base, target, schedule: every(200, 300), backlogMax: 100 }, never);
  assert.equal(report.scheduled, 60);
  assert.equal(report.ok, 60);
  conserved(report);
});

test('a server slower than the schedule shows its queue in the latency, which the service time alone hides', async () => {
  const target = fakeTarget(1, () => delay(20, { kind: 'ok' } as const));
  const report = await openLoop({ ...base, target, schedule: every(100, 300), backlogMax: 100 }, never);
  conserved(report);
  assert.equal(report.ok, 30);
  assert.ok((report.service.p50Ms ?? 0) < 100, `service ${report.service.p50Ms}`);
  assert.ok((report.latency.maxMs ?? 0) > 200, `latency ${report.latency.maxMs}`);
  assert.ok(report.schedule.waitedForConnection > 20);
});

test('no more requests are in flight than there are connections', async () => {
  const target = fakeTarget(3, () => delay(5, { kind: 'ok' } as const));
  conserved(await openLoop({ ...base, target, schedule: every(1000, 100), backlogMax: 100 }, never));
  assert.equal(target.inFlightMax(), 3);
});

test('what does not fit into the backlog is counted as unsent', async () => {
  const target = fakeTarget(1, () => delay(100, { kind: 'ok' } as const));
  const report = await openLoop({ ...base, target, schedule: every(200, 200), backlogMax: 2 }, never);
  conserved(report);
  assert.ok(report.unsent >= 30, `${report.unsent}`);
});

test('answers that do not come within the grace are unanswered', async () => {
  const target = fakeTarget(4, () => new Promise(() => {}));
  const report = await openLoop(
    { ...base, durationMs: 50, graceMs: 20, target, schedule: every(100, 50), backlogMax: 100 },
    never,
  );
  conserved(report);
  assert.equal(report.unanswered, 4);
  assert.equal(report.latency.p50Ms, null);
});

test('failures are counted by code with the first message, and are no part of the latency', async () => {
  let count = 0;
  const target = fakeTarget(1, async () =>
    count++ % 2 === 0 ? { kind: 'ok' } : { kind: 'failed', code: 'HTTP 503', message: `full ${count}` },
  );
  const report = await openLoop({ ...base, target, schedule: every(100, 200), backlogMax: 100 }, never);
  assert.deepEqual(report.failures, { 'HTTP 503': { count: 10, message: 'full 2' } });
  assert.equal(report.latency.n, 10);
  conserved(report);
});

test('an abort ends the run early with what there is so far', async () => {
  const aborting = new AbortController();
  let count = 0;
  const target = fakeTarget(1, async () => {
    if (++count === 5) aborting.abort();
    return { kind: 'ok' };
  });
  const report = await openLoop(
    { ...base, durationMs: 60_000, target, schedule: every(1000, 60_000), backlogMax: 10 },
    aborting.signal,
  );
  assert.equal(report.interrupted, true);
  assert.ok(report.scheduled >= 5 && report.scheduled < 1000 && report.sendingMs < 10_000);
  conserved(report);
});

test('a closed loop keeps exactly its callers busy', async () => {
  const target = fakeTarget(4, () => delay(2, { kind: 'ok' } as const));
  const report = await closedLoop({ ...base, target, callers: 4 }, never);
  assert.equal(target.inFlightMax(), 4);
  assert.ok(report.ok > 20);
  conserved(report);
});

test('over HTTP, answers with a length, in chunks, with an error and on closed connections are all understood', async () => {
  let count = 0;
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      switch (count++ % 4) {
        case 0:
          response.end('sized');
          break;
        case 1:
          response.write('a'.repeat(70_000));
          response.end('chunked');
          break;
        case 2:
          response.writeHead(503, { 'content-type': 'application/json' });
          response.end('{"error":"the queue is full"}');
          break;
        default:
          response.writeHead(200, { connection: 'close' });
          response.end('closed');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const body = Buffer.from('x'.repeat(1000));
  await using target = restTarget(url, { method: 'POST', path: '/', headers: {}, body }, 1);
  const outcomes: Outcome[] = [];
  for (let index = 0; index < 12; index++) outcomes.push(await target.send());
  const kinds = outcomes.map((outcome) => outcome.kind);
  assert.deepEqual(kinds, Array.from({ length: 3 }, () => ['ok', 'ok', 'failed', 'ok']).flat());
  assert.deepEqual(outcomes[2], { kind: 'failed', code: 'HTTP 503', message: 'the queue is full' });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const gone = await target.send();
  assert.equal(gone.kind === 'failed' && gone.code, 'ECONNREFUSED');
});
