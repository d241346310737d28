/** `kill -9` under constant load: of a replica, of control, of a gateway worker. With the times that coming back took. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import type { ReplicaView } from '../../src/api/schemas.ts';
import { addsub } from '../fixtures/models.ts';
import { ask } from '../support/ask.ts';
import { childPid } from '../support/processes.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { allowedMs } from '../support/slowness.ts';
import { startLoad, type SteadyLoad } from '../support/steady-load.ts';

const ones = Array.from({ length: 16 }, () => 1);
const body = JSON.stringify({
  inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16], data: ones })),
});
const callers = 8;
const pidOf = ({ where }: ReplicaView): number => Number(/pid (\d+)/.exec(where)?.[1]);

describe('a platform under load, and what is killed in it', { timeout: 180_000 }, () => {
  let platform: Platform;
  let url = '';
  const load = (): SteadyLoad =>
    startLoad({ url, method: 'POST', body, headers: { 'content-type': 'application/json' }, callers, thinkMs: 0 });
  const ready = async (): Promise<readonly ReplicaView[]> => {
    const { deployments } = await platform.status();
    return (deployments[0]?.replicas ?? []).filter(({ state }) => state === 'ready');
  };
  const metric = async (line: RegExp): Promise<number> => {
    const text = (await ask(`${platform.metrics}/metrics`)).body.toString();
    return [...text.matchAll(line)].reduce((sum, [, value]) => sum + Number(value), 0);
  };
  const deaths = /^flyball_replica_changes_total\{[^}]*state="failed"[^}]*\} (\d+)$/gm;

  before(async () => {
    platform = await startPlatform({
      models: { 'addsub/1/model.onnx': addsub() },
      specification: {
        models: { addsub: { path: './models/addsub' } },
        deployments: { addsub: { model: 'addsub', replicas: { min: 2, max: 2 } } },
      },
    });
    await platform.serving();
    url = `${platform.http}/v2/models/addsub/infer`;
  });
  after(() => platform[Symbol.asyncDispose]());

  test('a replica killed three times over: nobody fails, each successor comes later, and status and metrics say so', async (t) => {
    const before_ = await metric(deaths);
    await using callersUnderWay = load();
    await callersUnderWay.passed(200);
    const backMs: number[] = [];
    let reasons = '';
    for (let kill = 0; kill < 3; kill += 1) {
      const all = await ready();
      // The newest: it has not lived long enough for its death to be an accident.
      const victim = all.toSorted((a, b) => b.startedAt - a.startedAt)[0] as ReplicaView;
      const killedAt = performance.now();
      process.kill(pidOf(victim), 'SIGKILL');
      await until('a successor', async () => {
        const { deployments } = await platform.status();
        const seen = deployments[0];
        if (seen !== undefined && seen.counts.ready < 2) reasons += `${seen.reason ?? ''}\n`;
        const now = await ready();
        return now.length === 2 && !now.some(({ id }) => id === victim.id) ? true : undefined;
      });
      backMs.push(Math.round(performance.now() - killedAt));
      await callersUnderWay.passed(100);
    }
    const { ok, failures, slowestMs } = await callersUnderWay.stop();
    t.diagnostic(
      `3 kills, ${ok} answered, ${failures.length} failed, slowest ${slowestMs.toFixed(0)} ms; two replicas again after ${backMs.join(', ')} ms`,
    );
    assert.deepEqual(failures, []);
    assert.equal((await metric(deaths)) - before_, 3, 'metrics count them');
    assert.match(reasons, /SIGKILL/, 'status says why');
    assert.ok((backMs[2] ?? 0) > 1000, 'after early deaths a successor waits');
  });

  test('kill -9 of control: nobody fails, it is back, and no replica was restarted', async (t) => {
    const before_ = (await ready()).map(pidOf);
    const controlPid = childPid(platform, 'control');
    await using callersUnderWay = load();
    await callersUnderWay.passed(200);
    const killedAt = performance.now();
    process.kill(controlPid, 'SIGKILL');
    await until('control to be back', async () =>
      (await platform.status()).deployments.length === 1 ? true : undefined,
    );
    const backMs = Math.round(performance.now() - killedAt);
    const status = await until('control to know its replicas', async () => {
      const now = await ready();
      return now.length === 2 ? now : undefined;
    });
    await callersUnderWay.passed(200);
    const { ok, failures, slowestMs } = await callersUnderWay.stop();
    t.diagnostic(
      `control answered again after ${backMs} ms (promised 2000); ${ok} answered, ${failures.length} failed, slowest ${slowestMs.toFixed(0)} ms`,
    );
    assert.deepEqual(failures, []);
    assert.deepEqual(new Set(status.map(pidOf)), new Set(before_));
    assert.ok(backMs < allowedMs(2000), `${backMs} ms`);
  });

  test('kill -9 of the only gateway worker: what was in flight fails, a new connection is served soon', async (t) => {
    const gatewayPid = childPid(platform, 'gateway');
    await using callersUnderWay = load();
    await callersUnderWay.passed(200);
    const killedAt = performance.now();
    process.kill(gatewayPid, 'SIGKILL');
    const answer = await ask(url, { body, headers: { 'content-type': 'application/json' } });
    const servedMs = Math.round(performance.now() - killedAt);
    await callersUnderWay.passed(200);
    const { failures } = await callersUnderWay.stop();
    t.diagnostic(
      `a new connection was served after ${servedMs} ms (promised 1000); ${failures.length} of ${callers} in flight failed: ${[...new Set(failures)].join('; ')}`,
    );
    assert.equal(answer.status, 200);
    assert.ok(failures.length <= callers, failures.join('; '));
    assert.ok(!failures.includes('ECONNREFUSED'), 'the port stayed open');
    assert.ok(servedMs < allowedMs(1000), `${servedMs} ms`);
  });
});

describe('two gateway workers, one of which is killed', { timeout: 240_000 }, () => {
  test('no request on a connection of the other one fails', async (t) => {
    await using platform = await startPlatform({
      models: { 'addsub/1/model.onnx': addsub() },
      specification: {
        gateway: { workers: 2 },
        models: { addsub: { path: './models/addsub' } },
        deployments: { addsub: { model: 'addsub' } },
      },
    });
    await platform.serving();
    const { gateways } = await platform.status();
    const victim = gateways[1]?.pid as number;
    const { hostname, port } = new URL(platform.http);
    /** One connection for each caller, and which worker has it is found out by its being cut. */
    const outcomes = Array.from({ length: 16 }, () => ({ ok: 0, failed: 0 }));
    let stopped = false;
    const calling = outcomes.map(async (outcome) => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      while (!stopped && outcome.failed === 0) {
        await new Promise<void>((resolve) => {
          const request = http.request(
            { hostname, port, path: '/v2/models/addsub/infer', method: 'POST', agent },
            (response) => {
              response.on('error', () => {
                outcome.failed += 1;
                resolve();
              });
              response.resume().on('end', () => {
                if (response.statusCode === 200) outcome.ok += 1;
                else outcome.failed += 1;
                resolve();
              });
            },
          );
          request.on('error', () => {
            outcome.failed += 1;
            resolve();
          });
          request.end(body);
        });
      }
      agent.destroy();
    });
    const sum = (): number => outcomes.reduce((total, { ok }) => total + ok, 0);
    await until('some answers', () => (sum() > 500 ? true : undefined));
    process.kill(victim, 'SIGKILL');
    const at = sum();
    await until('more answers', () => (sum() > at + 500 ? true : undefined));
    stopped = true;
    await Promise.all(calling);
    const cut = outcomes.filter(({ failed }) => failed > 0).length;
    t.diagnostic(
      `${cut} of ${outcomes.length} connections were the dead worker's; the other ${outcomes.length - cut} went on without a failure`,
    );
    assert.ok(cut < outcomes.length, 'the other worker has connections, and keeps them');
    assert.ok(outcomes.every(({ failed }) => failed <= 1));
  });
});
