/**
 * Replicas that are there and of little use: one that is stopped, one that gets a tenth of its processor, and one that
 * answers while its runtime never comes back.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { ReplicaView } from '../../src/api/schemas.ts';
import { v2 } from '../support/ask.ts';
import { counter } from '../fixtures/models.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

const spec = { name: 'x', datatype: 'FP32', shape: [-1, 4] };
const row = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] });
const deadlineMs = 4000;
const silentMs = 3000;
const pidOf = ({ where }: ReplicaView): number => Number(/pid (\d+)/.exec(where)?.[1]);

describe('two replicas, one of which is of little use', { timeout: 240_000 }, () => {
  let platform: Platform;
  let url = '';
  const replicas = async (): Promise<readonly ReplicaView[]> =>
    (await platform.status()).deployments[0]?.replicas ?? [];
  const headers = { 'content-type': 'application/json', 'flyball-deadline-ms': String(deadlineMs) };

  before(async () => {
    platform = await startPlatform({
      models: {
        'steady/model.yaml': JSON.stringify({
          platform: 'simulated',
          simulated: { inputs: [spec], outputs: [spec], serviceMs: 5 },
        }),
      },
      specification: {
        models: { steady: { path: './models/steady' } },
        deployments: {
          steady: { model: 'steady', batching: { sizeMax: 1 }, replicas: { min: 2, max: 2 }, health: { silentMs } },
        },
      },
    });
    await platform.serving();
    url = `${platform.http}/v2/models/steady/infer`;
  });
  after(() => platform[Symbol.asyncDispose]());

  test('one that is starved of its processor gets less, nobody fails, and it is left alive', async (t) => {
    const [victim, other] = (await replicas()) as [ReplicaView, ReplicaView];
    const pid = pidOf(victim);
    // Bytes that a runner has written: its answers, all of one size.
    const written = [victim, other].map((replica) => (): number => {
      const io = readFileSync(`/proc/${pidOf(replica)}/io`, 'utf8');
      return Number(/^wchar: (\d+)$/m.exec(io)?.[1]);
    });
    await using warm = startLoad({ url, method: 'POST', body: row, headers, callers: 4, thinkMs: 0 });
    await warm.passed(200);
    await warm.stop();
    // Nine tenths of the time it does not run: what a quota of a tenth of a core does, without a right to make one.
    let starved = true;
    const starving = setInterval(() => {
      process.kill(pid, 'SIGCONT');
      setTimeout(() => starved && process.kill(pid, 'SIGSTOP'), 10);
    }, 100);
    try {
      await using callers = startLoad({ url, method: 'POST', body: row, headers, callers: 4, thinkMs: 0 });
      await callers.passed(200);
      const before_ = written.map((count) => count());
      await callers.passed(600);
      const [slow = 0, quick = 0] = written.map((count, index) => count() - (before_[index] ?? 0));
      const share = slow / (slow + quick);
      const { ok, failures, slowestMs } = await callers.stop();
      t.diagnostic(
        `${ok} answered, ${failures.length} failed, slowest ${slowestMs.toFixed(0)} ms; the starved replica did ${(share * 100).toFixed(0)} % of the work`,
      );
      assert.deepEqual(failures, []);
      assert.ok(share < 0.35, `it did ${share} of the work`);
    } finally {
      starved = false;
      clearInterval(starving);
      process.kill(pid, 'SIGCONT');
    }
    assert.ok(
      (await replicas()).some(({ id }) => id === victim.id),
      'it was slow, not dead',
    );
  });

  test('one that is stopped is routed around, its work is done by the other, and it is replaced', async (t) => {
    const [victim] = (await replicas()) as [ReplicaView];
    await using callers = startLoad({ url, method: 'POST', body: row, headers, callers: 4, thinkMs: 0 });
    await callers.passed(100);
    const stoppedAt = performance.now();
    process.kill(pidOf(victim), 'SIGSTOP');
    const ejected = await until('status to say that it is not routed to', async () => {
      const seen = (await replicas()).find(({ id }) => id === victim.id);
      return seen === undefined || /not routed to/.test(seen.reason ?? '') ? (seen?.reason ?? 'replaced') : undefined;
    });
    const aroundMs = Math.round(performance.now() - stoppedAt);
    await until('another in its place', async () => {
      const now = await replicas();
      return now.filter(({ state }) => state === 'ready').length === 2 && !now.some(({ id }) => id === victim.id)
        ? true
        : undefined;
    });
    const replacedMs = Math.round(performance.now() - stoppedAt);
    await callers.passed(100);
    const { ok, failures, slowestMs } = await callers.stop();
    t.diagnostic(
      `routed around after ${aroundMs} ms (${ejected}), replaced after ${replacedMs} ms (health.silentMs ${silentMs}); ${ok} answered, ${failures.length} failed, slowest ${slowestMs.toFixed(0)} ms (deadline ${deadlineMs})`,
    );
    assert.deepEqual(failures, [], 'what it had was done by the other one');
    assert.ok(slowestMs < deadlineMs, `${slowestMs} ms`);
  });
});

describe('two replicas of a model whose work its data says', { timeout: 240_000 }, () => {
  const wantedMs = 1500;
  let platform: Platform;
  const replicas = async (): Promise<readonly ReplicaView[]> =>
    (await platform.status()).deployments[0]?.replicas ?? [];
  const trips = (count: number): string =>
    v2(
      { name: 'trips', datatype: 'INT64', shape: [1], data: [count] },
      { name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] },
    );
  const headers = (ms: number) => ({ 'content-type': 'application/json', 'flyball-deadline-ms': String(ms) });
  const ask = (count: number, withinMs: number): Promise<Response> =>
    fetch(`${platform.http}/v2/models/counter/infer`, {
      method: 'POST',
      headers: headers(withinMs),
      body: trips(count),
    });

  before(async () => {
    platform = await startPlatform({
      models: { 'counter/1/model.onnx': counter() },
      specification: {
        models: { counter: { path: './models/counter' } },
        deployments: {
          counter: { model: 'counter', replicas: { min: 2, max: 2 }, health: { silentMs: wantedMs } },
        },
      },
    });
    await platform.serving();
  });
  after(() => platform[Symbol.asyncDispose]());

  test('one that computes for long is left alone for as long as its caller waits', async (t) => {
    const began = performance.now();
    const rate = 200_000;
    await ask(rate, 20_000).then((response) => response.text());
    const before_ = await replicas();
    let count = Math.round((rate / (performance.now() - began)) * 2.5 * wantedMs);
    let tookMs = 0;
    // The first call may have been slow for another reason, and the measured one proves nothing until it is long.
    for (; tookMs <= wantedMs; count *= 2) {
      const long = performance.now();
      const response = await ask(count, 30_000);
      tookMs = Math.round(performance.now() - long);
      t.diagnostic(`a call of ${tookMs} ms (health.silentMs ${wantedMs})`);
      assert.equal(response.status, 200, await response.text());
    }
    assert.deepEqual(
      (await replicas()).map(({ id }) => id),
      before_.map(({ id }) => id),
    );
  });

  test('one whose runtime does not come back, though it answers, is told of and replaced; nobody else fails', async (t) => {
    const known = new Set((await replicas()).map(({ id }) => id));
    const url = `${platform.http}/v2/models/counter/infer`;
    await using callers = startLoad({
      url,
      method: 'POST',
      body: trips(1),
      headers: headers(5000),
      callers: 2,
      thinkMs: 0,
    });
    await callers.passed(50);
    const stuckAt = performance.now();
    const response = await ask(Number.MAX_SAFE_INTEGER, 1000);
    assert.equal(response.status, 504, await response.text());
    const told = await until('status to say that it is stuck', async () => {
      const seen = (await replicas()).find(({ reason }) => /nobody waits for it/.test(reason ?? ''));
      return seen?.reason;
    });
    const replacedMs = await until('another in its place', async () => {
      const now = await replicas();
      const ready = now.filter(({ state }) => state === 'ready');
      return ready.length === 2 && ready.some(({ id }) => !known.has(id))
        ? Math.round(performance.now() - stuckAt)
        : undefined;
    });
    await callers.passed(50);
    const { ok, failures, slowestMs } = await callers.stop();
    t.diagnostic(
      `${told}; replaced ${replacedMs} ms after the call; ${ok} answered beside it, ${failures.length} failed, slowest ${slowestMs.toFixed(0)} ms`,
    );
    assert.deepEqual(failures, []);
    assert.ok(slowestMs < wantedMs, `${slowestMs} ms: somebody waited for the one that is stuck`);
  });
});
