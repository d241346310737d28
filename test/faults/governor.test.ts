/**
 * The governor with real processes, when more replicas are no help, never come, or may not come: it stops, takes back what it
 * added, says so, and survives the death of control, doing nothing twice.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import type { DeploymentView, JournalEntryView, WhyView } from '../../src/api/schemas.ts';
import { v2 } from '../support/ask.ts';
import { runCli } from '../support/cli.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { childPid } from '../support/processes.ts';
import { startLoad, type SteadyLoad } from '../support/steady-load.ts';

const tensors = '[{ name: x, datatype: FP32, shape: [-1, 1] }]';
const simulated = (serviceMs: number): string =>
  `platform: simulated\nsimulated: { inputs: ${tensors}, outputs: ${tensors.replace('x', 'y')}, serviceMs: ${serviceMs} }\n`;
const body = v2({ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] });
/** One request at once for a replica, and no waiting before it is acted on. */
const rule = {
  mode: 'auto',
  modeReason: 'a test',
  policy: 'ray',
  parameters: { targetOngoingRequests: 1, upscaleDelaySeconds: 0, downscaleDelaySeconds: 2, lookBackSeconds: 1 },
};

const viewOf = async (platform: Platform, name: string): Promise<DeploymentView> => {
  const found = (await platform.status()).deployments.find((each) => each.name === name);
  assert.ok(found);
  return found;
};
const decisions = async (platform: Platform): Promise<readonly JournalEntryView[]> =>
  (await (await fetch(`${platform.control}/api/v1/journal?kind=decision&limit=1000`)).json()) as JournalEntryView[];
const isMove = ({ action }: JournalEntryView): boolean => /^\d+ → \d+$/.test(action);
const load = (platform: Platform, name: string, callers: number): SteadyLoad =>
  startLoad({
    url: `${platform.http}/v2/models/${name}/infer`,
    method: 'POST',
    body,
    callers,
    thinkMs: 0,
    pauseMs: 20,
  });

/** A server that computes one request at a time, whoever asks, and slower the more there are: replicas before it are no help. */
async function startBottleneck(context: TestContext, serviceMs: number): Promise<string> {
  let last = Promise.resolve();
  let waiting = 0;
  const answerAfter = async (before: Promise<void>, ms: number, response: http.ServerResponse): Promise<void> => {
    await before;
    await setTimeout(ms);
    waiting -= 1;
    response.setHeader('content-type', 'application/json');
    const outputs = [{ name: 'y', datatype: 'FP32', shape: [1, 1], data: [1] }];
    response.end(JSON.stringify({ model_name: 'm', outputs }));
  };
  const server = http.createServer((request, response) => {
    if (request.method !== 'POST') {
      response.end('{}');
      return;
    }
    request.resume().on('end', () => {
      waiting += 1;
      const computeMs = serviceMs * (1 + 0.5 * (waiting - 1));
      last = answerAfter(last, computeMs, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test(
  'where the bottleneck is elsewhere, what was added goes again, and it is said',
  { timeout: 240_000 },
  async (context) => {
    const address = await startBottleneck(context, 50);
    await using platform = await startPlatform({
      specification: {
        models: {
          shared: {
            server: {
              address,
              inputs: JSON.parse(v2Spec('x')) as unknown,
              outputs: JSON.parse(v2Spec('y')) as unknown,
            },
          },
        },
        deployments: {
          shared: {
            model: 'shared',
            replicas: { min: 1, max: 4 },
            batching: { sizeMax: 1 },
            slo: { p99Ms: 60 },
            scaling: rule,
          },
        },
      },
    });
    await platform.serving();
    {
      // What one request takes is known before there is trouble.
      await using calm = load(platform, 'shared', 1);
      await calm.passed(150);
    }
    await using traffic = load(platform, 'shared', 8);
    await until('more replicas', async () => ((await viewOf(platform, 'shared')).counts.ready > 1 ? true : undefined));
    const verdict = await until(
      'the verdict',
      async () => (await decisions(platform)).find(({ action }) => action === 'no help'),
      120_000,
    );
    assert.match(verdict.reason, /more replicas changed nothing: \d+ → \d+ answers\/s/);
    const { from } = verdict.details as { readonly from: number };
    await until('the way back', async () => {
      const { counts } = await viewOf(platform, 'shared');
      return counts.ready === from && counts.draining === 0 ? true : undefined;
    });
    const { stdout } = await runCli(['why', 'shared'], { FLYBALL_URL: platform.control });
    assert.match(stdout, /more replicas changed nothing.+keeps it at most/s);
    await traffic.passed(60);
    assert.equal((await viewOf(platform, 'shared')).desired, from, 'it is not tried again at once');
    assert.deepEqual((await traffic.stop()).failures, []);
  },
);

const v2Spec = (name: string): string => JSON.stringify([{ name, datatype: 'FP32', shape: [-1, 1] }]);

test('replicas that never come are waited for, then given up, and it is said', { timeout: 240_000 }, async () => {
  await using platform = await startPlatform({
    models: { 'slow/1/model.yaml': simulated(40), 'slow/model.yaml': simulated(40) },
    specification: {
      models: { slow: { path: './models/slow' } },
      deployments: {
        slow: { model: 'slow', replicas: { min: 1, max: 6 }, batching: { sizeMax: 1 }, scaling: rule },
      },
      // Of what one replica is expected to hold there is room for two.
      node: { memory: '300MiB' },
    },
  });
  await platform.serving();
  await using traffic = load(platform, 'slow', 16);
  const verdicts = await until(
    'both verdicts',
    async () => {
      const found = (await decisions(platform)).filter(({ action }) => action === 'not ready');
      return found.length >= 2 ? found : undefined;
    },
    120_000,
  );
  assert.match(verdicts[0]?.reason ?? '', /^\d of \d replicas are ready$/);
  const { desired, counts } = await until(
    'the target to go back, and to stay there because they never came',
    async () => {
      const seen = await viewOf(platform, 'slow');
      const why = (await (await fetch(`${platform.control}/api/v1/deployments/slow/why`)).json()) as WhyView;
      if (seen.desired !== seen.counts.ready || seen.counts.starting > 0) return undefined;
      return /replicas are ready keeps it at most/.test(why.decision?.reason ?? '') ? seen : undefined;
    },
  );
  assert.ok(desired < 6 && counts.ready >= 1);
  assert.deepEqual((await traffic.stop()).failures, []);
});

test(
  'halted altogether, nothing dead is restored, over the death of control too, until it is released',
  { timeout: 240_000 },
  async () => {
    await using platform = await startPlatform({
      models: { 'slow/1/model.yaml': simulated(5), 'slow/model.yaml': simulated(5) },
      specification: {
        models: { slow: { path: './models/slow' } },
        deployments: { slow: { model: 'slow', replicas: { min: 2, max: 2 } } },
      },
    });
    const before = await platform.serving();
    const cli = (...args: string[]) => runCli(args, { FLYBALL_URL: platform.control });
    const halted = await cli('halt', '--all', '--reason', 'an incident');
    assert.match(halted.stdout, /no dead replica is restored, nothing is woken; what runs goes on/);
    const where = before.deployments[0]?.replicas[0]?.where ?? '';
    process.kill(Number(/pid (\d+)/.exec(where)?.[1]), 'SIGKILL');
    await until('one to be missing', async () =>
      (await viewOf(platform, 'slow')).counts.ready === 1 ? true : undefined,
    );
    const pid = childPid(platform, 'control');
    process.kill(pid, 'SIGKILL');
    await until('another control', async () => {
      const { counts } = await viewOf(platform, 'slow');
      return childPid(platform, 'control') !== pid && counts.ready === 1 ? true : undefined;
    });
    await using traffic = load(platform, 'slow', 2);
    await traffic.passed(400);
    assert.deepEqual((await traffic.stop()).failures, [], 'what runs goes on');
    const { deployments, warnings } = await platform.status();
    assert.deepEqual([deployments[0]?.counts.ready, deployments[0]?.counts.starting], [1, 0]);
    assert.ok(
      warnings.some((warning) => /^halted by .+: an incident; nothing is scaled, restored or woken/.test(warning)),
      warnings.join('; '),
    );
    assert.equal((await cli('halt', '--release', '--reason', 'it is over')).code, 0);
    await until('it to be restored', async () =>
      (await viewOf(platform, 'slow')).counts.ready === 2 ? true : undefined,
    );
  },
);

test(
  'control that is killed again and again while the load moves does nothing twice',
  { timeout: 240_000 },
  async () => {
    await using platform = await startPlatform({
      models: { 'slow/1/model.yaml': simulated(30), 'slow/model.yaml': simulated(30) },
      specification: {
        models: { slow: { path: './models/slow' } },
        deployments: {
          slow: { model: 'slow', replicas: { min: 1, max: 4 }, batching: { sizeMax: 1 }, scaling: rule },
        },
      },
    });
    await platform.serving();
    for (const callers of [6, 1, 6]) {
      await using traffic = load(platform, 'slow', callers);
      const pid = childPid(platform, 'control');
      await traffic.passed(50);
      process.kill(pid, 'SIGKILL');
      await until('another control to look', async () => {
        const { governor } = await viewOf(platform, 'slow');
        return childPid(platform, 'control') !== pid && governor?.at !== undefined ? true : undefined;
      });
      await until('the load to have moved it', async () => {
        const { desired, counts } = await viewOf(platform, 'slow');
        return (callers > 1 ? desired > 1 : desired === 1) && counts.ready === desired ? true : undefined;
      });
      assert.deepEqual((await traffic.stop()).failures, []);
    }
    const moves = (await decisions(platform)).filter(isMove).map(({ action }) => action.split(' → ').map(Number));
    assert.ok(moves.length >= 3, JSON.stringify(moves));
    moves.forEach(([from], index) =>
      assert.equal(from, index === 0 ? 1 : moves[index - 1]?.[1], JSON.stringify(moves)),
    );
    const verified = await runCli(['journal', 'verify'], { FLYBALL_URL: platform.control });
    assert.equal(verified.code, 0, verified.stdout);
  },
);
