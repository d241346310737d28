/** From zero and back, with real processes: a burst that finds nobody, faults while waking, and memory that comes back. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { DeploymentView } from '../../src/api/schemas.ts';
import { addsub, unknownOperator } from '../fixtures/models.ts';
import { ask, v2, type Answer } from '../support/ask.ts';
import { runCli } from '../support/cli.ts';
import { readExposition } from '../support/exposition.ts';
import { alive, childPid, runnersOf } from '../support/processes.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

const ones = Array.from({ length: 16 }, () => 1);
const body = v2(
  { name: 'INPUT0', datatype: 'INT32', shape: [1, 16], data: ones },
  { name: 'INPUT1', datatype: 'INT32', shape: [1, 16], data: ones },
);

describe('a platform whose deployments sleep', () => {
  let platform: Platform;

  before(async () => {
    platform = await startPlatform({
      models: { 'addsub/1/model.onnx': addsub(), 'broken/1/model.onnx': unknownOperator() },
      specification: {
        models: { addsub: { path: './models/addsub' }, broken: { path: './models/broken' } },
        deployments: {
          addsub: { model: 'addsub', replicas: { min: 0, max: 2, idleMs: 600_000 } },
          brief: { model: 'addsub', replicas: { min: 0, max: 2, idleMs: 300 } },
          broken: { model: 'broken', replicas: { min: 0, idleMs: 600_000 } },
        },
      },
    });
    await until('the gateway to know them', async () => {
      const { status } = await ask(`${platform.http}/v2/models/addsub/ready`);
      return status === 200 ? true : undefined;
    });
  });
  after(() => platform[Symbol.asyncDispose]());

  const infer = (name: string): Promise<Answer> =>
    ask(`${platform.http}/v2/models/${name}/infer`, { method: 'POST', body });
  const view = async (name: string): Promise<DeploymentView> => {
    const found = (await platform.status()).deployments.find((each) => each.name === name);
    assert.ok(found);
    return found;
  };
  const asleep = (name: string): Promise<DeploymentView> =>
    until(`${name} to sleep`, async () => {
      const seen = await view(name);
      return seen.state === 'asleep' && seen.replicas.length === 0 ? seen : undefined;
    });
  const toZero = async (name: string): Promise<void> => {
    const { code, stderr } = await runCli(['scale', name, '0'], { FLYBALL_URL: platform.control });
    assert.equal(code, 0, stderr);
    await asleep(name);
  };
  const runners = (): number[] => runnersOf(platform);

  test('standard clients find a model that sleeps ready, with its metadata, and listed as such', async () => {
    await asleep('addsub');
    const at = `${platform.http}/v2/models/addsub`;
    assert.equal((await ask(`${at}/ready`)).status, 200);
    const metadata = (await ask(at)).json() as { inputs: { name: string }[] };
    assert.deepEqual(
      metadata.inputs.map(({ name }) => name),
      ['INPUT0', 'INPUT1'],
    );
    assert.deepEqual(runners(), [], 'nothing is loaded');
  });

  test('a burst of 50 that finds nobody is answered in full; the next request is as quick as ever', async () => {
    await toZero('addsub');
    const answers = await Promise.all(Array.from({ length: 50 }, () => infer('addsub')));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    const steady: number[] = [];
    for (let n = 0; n < 20; n++) {
      const began = performance.now();
      assert.equal((await infer('addsub')).status, 200);
      steady.push(performance.now() - began);
    }
    const { coldStart, counts } = await until('the cold start', async () => {
      const seen = await view('addsub');
      return seen.coldStart === undefined ? undefined : { coldStart: seen.coldStart, counts: seen.counts };
    });
    assert.equal(counts.ready, 1);
    const { at: _, totalMs, ...stages } = coldStart;
    const words = Object.entries(stages).map(([name, ms]) => `${name.slice(0, -2)} ${ms}`);
    console.log(`# from zero: ${totalMs} ms (${words.join(', ')}); steady ${steady.toSorted((a, b) => a - b)[10]} ms`);
    const text = (await ask(`${platform.metrics}/metrics`)).body.toString();
    const series = readExposition(text).get('flyball_cold_start_seconds')?.series ?? [];
    const stagesSeen = series
      .filter(({ labels }) => labels['deployment'] === 'addsub')
      .map(({ labels }) => labels['stage']);
    for (const stage of ['detect', 'decide', 'start', 'load', 'warm', 'answer', 'total']) {
      assert.ok(stagesSeen.includes(stage), `${stage} among ${[...new Set(stagesSeen)].join(', ')}`);
    }
  });

  test('idle it sleeps, and its process and memory are gone; asked again and again on the edge nothing is lost', async () => {
    assert.equal((await infer('brief')).status, 200);
    const { replicas } = await view('brief');
    const pid = Number(/pid (\d+)/.exec(replicas[0]?.where ?? '')?.[1]);
    const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    assert.ok(resident > 10_000, `${resident} KiB`);
    await asleep('brief');
    assert.ok(!alive(pid));
    // Around the moment at which it goes to sleep: some meet a ready replica, some a draining one, some nobody.
    for (const waitMs of [250, 300, 350, 400, 450, 500, 550]) {
      await new Promise((resolve) => {
        setTimeout(resolve, waitMs);
      });
      assert.equal((await infer('brief')).status, 200, `after ${waitMs} ms`);
    }
  });

  test('scaling to zero under load loses nothing: whoever asks keeps it awake', async () => {
    assert.equal((await infer('addsub')).status, 200);
    await using load = startLoad({
      url: `${platform.http}/v2/models/addsub/infer`,
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
      callers: 8,
      thinkMs: 0,
    });
    await load.passed(200);
    for (let n = 0; n < 3; n++) {
      const { code, stderr } = await runCli(['deploy', 'addsub', '--replicas', '0'], { FLYBALL_URL: platform.control });
      assert.equal(code, 0, stderr);
      await load.passed(200);
    }
    assert.deepEqual((await load.stop()).failures, []);
  });

  test('kill -9 of control while waking: the next control wakes it, and no caller hears of it', async () => {
    await toZero('addsub');
    const asked = Promise.all(Array.from({ length: 10 }, () => infer('addsub')));
    process.kill(childPid(platform, 'control'), 'SIGKILL');
    const answers = await asked;
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  });

  test('kill -9 of the replica while it loads, and of the one that answers: another comes for those that wait', async () => {
    await until('control', async () => ((await view('addsub')).state === 'serving' ? true : undefined));
    await toZero('addsub');
    const asked = Promise.all(Array.from({ length: 10 }, () => infer('addsub')));
    process.kill(await until('the process', () => runners()[0]), 'SIGKILL');
    const answers = await asked;
    assert.deepEqual(
      answers.filter(({ status }) => status !== 200).map((answer) => answer.json()),
      [],
    );
  });

  test('a gateway that starts while everything sleeps knows what sleeps, and wakes it', async () => {
    await toZero('addsub');
    process.kill(childPid(platform, 'gateway'), 'SIGKILL');
    const answer = await until('the next gateway', () => infer('addsub').catch(() => undefined));
    assert.equal(answer.status, 200);
  });

  test("a model that cannot be loaded fails those that wait with the runtime's words, typed, and is not ready", async () => {
    const {
      status,
      headers,
      body: said,
    } = await ask(`${platform.http}/v2/models/broken/infer`, {
      body: v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }),
    });
    assert.equal(status, 503);
    assert.ok(Number(headers['retry-after']) > 0);
    assert.match(said.toString(), /version 1 failed to load: .*NoSuchOperator/);
    const seen = await view('broken');
    assert.equal(seen.state, 'failed');
    assert.equal((await ask(`${platform.http}/v2/models/broken/ready`)).status, 503);
  });
});
