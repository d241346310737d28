/** Another server as the replica, as its users meet it: real processes of a server that shares no code with us. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClient } from '../../src/client/client.ts';
import type { StatusView } from '../../src/api/schemas.ts';
import { runCli } from '../support/cli.ts';
import { listProcesses } from '../support/processes.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad, type LoadTarget } from '../support/steady-load.ts';

const script = fileURLToPath(new URL('../../src/testing/foreign-server.ts', import.meta.url));
const command = (model: string, ...args: readonly string[]): readonly string[] => [
  process.execPath,
  script,
  '--model',
  model,
  ...args,
];

const body = JSON.stringify({ inputs: [{ name: 'in0', datatype: 'FP32', shape: [1, 3], data: [1.5, 2, 3] }] });

function specification(echo: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return {
    models: {
      echo: { server: { command: command('echo'), callMs: 1500, ...echo } },
      silent: { server: { command: command('silent', '--undeclared', '--no-binary') } },
      files: { server: { command: command('files'), protocol: 'torchserve', takesFiles: true } },
      broken: { server: { command: command('broken', '--fault', 'exit') } },
    },
    deployments: {
      echo: { model: 'echo', replicas: { min: 2, max: 2 } },
      silent: { model: 'silent' },
      files: { model: 'files' },
      broken: { model: 'broken' },
    },
  };
}

/** Pids of the servers that are started for a model; with `below`, only those of one runner. */
const serversOf = (model: string): readonly { readonly pid: number; readonly parent: number }[] =>
  listProcesses().filter(
    ({ command: line }) => line.includes(`${script} --model ${model}`) && !line.includes(' runner'),
  );

/** Throws unless the gateway serves the model now. */
async function knows(platform: Platform, name: string): Promise<void> {
  const response = await fetch(`${platform.http}/v2/models/${name}/ready`);
  if (response.status !== 200) throw new Error(await response.text());
}

const readyOf = (status: StatusView, name: string): number =>
  status.deployments.find((each) => each.name === name)?.counts.ready ?? 0;

describe('a platform in front of servers', () => {
  let platform: Platform;
  let target: LoadTarget;

  before(async () => {
    platform = await startPlatform({ specification: specification({}) });
    await whole();
    target = { url: `${platform.http}/v2/models/echo/infer`, method: 'POST', body, callers: 4, pauseMs: 20 };
  });
  after(() => platform[Symbol.asyncDispose]());

  const whole = (): Promise<StatusView> =>
    until('all but the broken one to serve', async () => {
      const status = await platform.status();
      const counts = [readyOf(status, 'echo'), readyOf(status, 'silent'), readyOf(status, 'files')];
      if (counts.join() !== '2,1,1') return undefined;
      // What control knows, the gateway knows a moment later.
      for (const name of ['echo', 'silent', 'files']) await knows(platform, name);
      return status;
    });

  /** Both replicas are there, and neither is the one that was ended. */
  const replaced = (pid: number): Promise<boolean> =>
    until('another server in its place', async () => {
      const pids = serversOf('echo').map((each) => each.pid);
      return readyOf(await platform.status(), 'echo') === 2 && pids.length === 2 && !pids.includes(pid)
        ? true
        : undefined;
    });

  test('its signature is the server’s, and it answers over REST and gRPC', async () => {
    const metadata = (await (await fetch(`${platform.http}/v2/models/echo`)).json()) as { inputs: unknown };
    assert.deepEqual(metadata.inputs, [{ name: 'in0', datatype: 'FP32', shape: [-1, 3] }]);
    for (const [transport, url] of [
      ['http', platform.http],
      ['grpc', platform.grpc],
    ] as const) {
      await using client = openClient({ url, transport });
      const bytes = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
      const { outputs } = await client.infer({
        model: 'echo',
        inputs: [{ name: 'in0', datatype: 'FP32', shape: [2, 3], bytes }],
      });
      assert.deepEqual(Buffer.from(outputs[0]?.bytes ?? []), Buffer.from(bytes));
    }
    const scrape = await (await fetch(`${platform.metrics}/metrics`)).text();
    assert.match(scrape, /^flyball_\w+\{[^}]*deployment="echo"/m);
  });

  test('of a server that declares nothing, requests are judged by the server', async () => {
    const ask = (text: string): Promise<Response> =>
      fetch(`${platform.http}/v2/models/silent/infer`, { method: 'POST', body: text });
    const answer = await ask(body);
    assert.equal(answer.status, 200);
    const { outputs } = (await answer.json()) as { outputs: { data: number[] }[] };
    assert.deepEqual(outputs[0]?.data, [1.5, 2, 3]);
    const refused = await ask(body.replace('"inputs"', '"outputs":[{"name":"nothing"}],"inputs"'));
    assert.equal(refused.status, 400);
    assert.match(((await refused.json()) as { error: string }).error, /there is no output nothing/);
  });

  test('a file goes through to a TorchServe server as it came', async () => {
    const image = Buffer.from('89504e470d0a1a0a00ff10', 'hex');
    const sha256 = createHash('sha256').update(image).digest('hex');
    const form = new FormData();
    form.set('data', new Blob([image], { type: 'image/png' }), 'cat.png');
    const bodies = [
      { body: image, headers: { 'content-type': 'image/png' } },
      { body: image, headers: { 'content-type': 'application/octet-stream' } },
      { body: form },
    ];
    for (const each of bodies) {
      const response = await fetch(`${platform.http}/predictions/files`, { method: 'POST', ...each });
      const answer = (await response.json()) as { sha256: string };
      assert.equal(answer.sha256, sha256, JSON.stringify(answer));
    }
    const json = await fetch(`${platform.http}/predictions/files`, {
      method: 'POST',
      body: '{"text":"hello"}',
      headers: { 'content-type': 'application/json' },
    });
    assert.deepEqual(await json.json(), { text: 'hello' });
  });

  test('one whose command ends says so in its last words, and is tried again', async () => {
    const status = await until('the reason', async () => {
      const seen = await platform.status();
      const broken = seen.deployments.find(({ name }) => name === 'broken');
      return broken?.state === 'failed' ? broken : undefined;
    });
    assert.match(status.reason ?? '', /exit code 1: Traceback \| ImportError: no module named weights \(trying again/);
  });

  test('kill -9 of a server fails no request, and another takes its place', async () => {
    await using load = startLoad(target);
    await load.passed(100);
    const victim = serversOf('echo')[0]?.pid as number;
    process.kill(victim, 'SIGKILL');
    await load.passed(100);
    await replaced(victim);
    await load.passed(100);
    assert.deepEqual((await load.stop()).failures, []);
  });

  test('kill -9 of a runner fails no request and leaves no server without one', async () => {
    await using load = startLoad(target);
    await load.passed(100);
    const { pid, parent } = serversOf('echo')[0] as { pid: number; parent: number };
    process.kill(parent, 'SIGKILL');
    await load.passed(100);
    await replaced(pid);
    assert.deepEqual((await load.stop()).failures, []);
  });

  test('a server that hangs is replaced, and its callers are answered', async () => {
    await using load = startLoad(target);
    await load.passed(100);
    const victim = serversOf('echo')[0]?.pid as number;
    process.kill(victim, 'SIGSTOP');
    await replaced(victim);
    await load.passed(100);
    // What was in it when it stopped was tried elsewhere once callMs was over.
    assert.deepEqual((await load.stop()).failures, []);
  });

  test('an update under load fails no request, and what served before is gone with its servers', async () => {
    const before = new Set(serversOf('echo').map(({ pid }) => pid));
    await using load = startLoad(target);
    await load.passed(100);
    const listeners = Object.fromEntries(
      ['http', 'grpc', 'metrics', 'control'].map((name) => [name, { host: '127.0.0.1', port: 0 }]),
    );
    writeFileSync(
      platform.specificationPath,
      stringify({ listeners, ...specification({ command: [...command('echo'), '--no-binary'] }) }),
    );
    // The broken one never comes up, so the operation as a whole is not waited for.
    await runCli(['deploy', platform.specificationPath, '--no-wait'], { FLYBALL_URL: platform.control });
    await until('only servers of the new version', () => {
      const pids = serversOf('echo').map(({ pid }) => pid);
      return pids.length === 2 && !pids.some((pid) => before.has(pid)) ? true : undefined;
    });
    await load.passed(100);
    assert.deepEqual((await load.stop()).failures, []);
  });

  test('when the platform ends, its servers do', async () => {
    await platform.end('SIGTERM');
    await until('no server to be left', () =>
      ['echo', 'silent', 'files', 'broken'].every((model) => serversOf(model).length === 0) ? true : undefined,
    );
  });
});

test(
  'scaling in under load ends no server with a call in it, and no request fails',
  { timeout: 240_000 },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'flyball-ledger-'));
    const ledger = join(folder, 'ledger');
    try {
      await using platform = await startPlatform({
        specification: {
          models: { steps: { server: { command: command('steps', '--delay-ms', '20', '--ledger', ledger) } } },
          deployments: { steps: { model: 'steps', replicas: { min: 1, max: 3 } } },
        },
      });
      await platform.serving();
      const scale = async (count: number): Promise<void> => {
        const { code, stderr } = await runCli(['scale', 'steps', String(count)], { FLYBALL_URL: platform.control });
        assert.equal(code, 0, stderr);
        assert.equal(readyOf(await platform.status(), 'steps'), count);
        await until(`${count} servers`, () => serversOf('steps').length === count || undefined);
      };
      await scale(3);
      await until('the gateway to know it', () => knows(platform, 'steps').then(() => true));
      const target = {
        url: `${platform.http}/v2/models/steps/infer`,
        method: 'POST',
        body,
        callers: 9,
        thinkMs: 0,
      } as const;
      await using load = startLoad(target);
      await load.passed(150);
      await scale(1);
      await load.passed(50);
      await scale(3);
      await load.passed(50);
      await scale(1);
      await load.passed(50);
      const { ok, failures, answers, slowestMs } = await load.stop();
      const ends = readFileSync(ledger, 'utf8').trim().split('\n');
      t.diagnostic(`${ok} answered, slowest ${slowestMs.toFixed(0)} ms; servers that ended: ${ends.join('; ')}`);
      assert.deepEqual(failures, []);
      assert.equal(answers.size, 1, 'each is the answer to what was asked');
      assert.equal(ends.length, 4);
      for (const end of ends) assert.match(end, /^[1-9]\d* calls, 0 unanswered$/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

test('a server at an address is reached, found well or not, and left alone at the end', async () => {
  const probe = createServer();
  await new Promise<void>((resolve) => {
    probe.listen(0, '127.0.0.1', resolve);
  });
  const { port } = probe.address() as { port: number };
  probe.close();
  await using platform = await startPlatform({
    specification: {
      models: { there: { server: { address: `http://127.0.0.1:${port}`, startMs: 500, healthMs: 50 } } },
      deployments: { there: { model: 'there' } },
    },
  });
  const stateOf = (wanted: string): Promise<string> =>
    until(`the deployment to be ${wanted}`, async () => {
      const there = (await platform.status()).deployments.find(({ name }) => name === 'there');
      if (there?.state !== wanted) return undefined;
      if (wanted === 'serving') await knows(platform, 'there');
      return there.reason ?? '';
    });
  assert.match(await stateOf('failed'), /not ready within 500 ms .* ECONNREFUSED/);

  const { foreignServer } = await import('../../src/testing/foreign-server.ts');
  const spec = (name: string) => ({ name, datatype: 'FP32', shape: [-1, 3] });
  const foreign = foreignServer({
    model: 'there',
    inputs: [spec('in0')],
    outputs: [spec('out0')],
    binary: true,
    declares: true,
  });
  foreign.server.listen(port, '127.0.0.1');
  await stateOf('serving');
  const ask = (): Promise<Response> => fetch(`${platform.http}/v2/models/there/infer`, { method: 'POST', body });
  assert.equal((await ask()).status, 200);
  foreign.fault({ kind: 'status', status: 503, body: '{"error":"reloading"}', times: 1 });
  const busy = await ask();
  assert.equal(busy.status, 503);
  assert.equal(busy.headers.get('retry-after'), '1');
  assert.match(((await busy.json()) as { error: string }).error, /503: reloading/);
  foreign.fault({ kind: 'sick' });
  await until('it to be found unwell', async () => {
    const there = (await platform.status()).deployments[0];
    return there?.state === 'serving' ? undefined : true;
  });
  foreign.fault(undefined);
  await stateOf('serving');
  await platform.end('SIGTERM');
  assert.equal(foreign.server.listening, true);
  foreign.server.closeAllConnections();
  foreign.server.close();
});
