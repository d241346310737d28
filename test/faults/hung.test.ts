/** Replicas that are there and of little use: one that is stopped, and one that gets a tenth of its processor. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { ReplicaView } from '../../src/api/schemas.ts';
import { v2 } from '../support/ask.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

const spec = { name: 'x', datatype: 'FP32', shape: [-1, 4] };
const row = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] });
const deadlineMs = 4000;
const silentMs = 3000;
const pidOf = ({ where }: ReplicaView): number => Number(/pid (\d+)/.exec(where)?.[1]);

describe('two replicas, one of which is of little use', { timeout: 120_000 }, () => {
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
    await using warm = startLoad({ url, method: 'POST', body: row, headers, callers: 4 });
    await warm.passed(200);
    await warm.stop();
    // Nine tenths of the time it does not run: what a quota of a tenth of a core does, without a right to make one.
    let starved = true;
    const starving = setInterval(() => {
      process.kill(pid, 'SIGCONT');
      setTimeout(() => starved && process.kill(pid, 'SIGSTOP'), 10);
    }, 100);
    try {
      await using callers = startLoad({ url, method: 'POST', body: row, headers, callers: 4 });
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
    await using callers = startLoad({ url, method: 'POST', body: row, headers, callers: 4 });
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
