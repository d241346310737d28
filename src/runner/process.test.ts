import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { modulePath } from '../module-path.ts';
import { connectRunner, untilConnected, type RunnerClient } from '../testing/runner-client.ts';
import { parseLaunch } from './process.ts';

const folder = mkdtempSync(join(tmpdir(), 'flyball-process-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let names = 0;
const fresh = (): string => join(folder, `${(names += 1)}.sock`);

const spec = { datatype: 'FP32', shape: [-1, 2] } as const;
const launchOf = (more: object = {}) => ({
  replica: 'x-1',
  model: 'x',
  version: '1',
  digest: 'd',
  runtime: {
    kind: 'simulated',
    signature: { inputs: [{ ...spec, name: 'x' }], outputs: [{ ...spec, name: 'y' }], batchable: true },
    serviceMs: 0,
    serviceMsPerRow: 0,
  },
  warmUp: { batchSizes: [1], budgetMs: 100, samples: [] },
  listen: { kind: 'unix', path: fresh() },
  ...more,
});

function run(
  t: TestContext,
  launch: object,
): { child: ChildProcess; errors: () => string; exited: Promise<unknown[]> } {
  const child = spawn(process.execPath, [modulePath(import.meta.url, './process'), JSON.stringify(launch)], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = once(child, 'exit');
  t.after(() => child.kill('SIGKILL'));
  return { child, errors: () => text, exited };
}

async function readyClient(listen: { path: string }): Promise<RunnerClient> {
  await untilConnected(listen.path);
  const client = await connectRunner({ kind: 'unix', path: listen.path });
  await client.reached('ready');
  return client;
}

async function lifeline(t: TestContext): Promise<{ path: string; held: Promise<Socket>; server: Server }> {
  const path = fresh();
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  t.after(() => server.close());
  return { path, held: once(server, 'connection').then(([socket]) => socket as Socket), server };
}

describe('a runner process', () => {
  it('drains and exits with 0 on SIGTERM, and leaves SIGINT to its supervisor', async (t) => {
    const { path } = await lifeline(t);
    const launch = launchOf({ lifeline: path });
    const { child, exited } = run(t, launch);
    using client = await readyClient(launch.listen);
    child.kill('SIGINT');
    assert.equal((await client.status()).state.kind, 'ready');
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  });

  it('drains and exits when its supervisor is gone', async (t) => {
    const { path, held } = await lifeline(t);
    const launch = launchOf({ lifeline: path });
    const { exited } = run(t, launch);
    using _client = await readyClient(launch.listen);
    (await held).destroy();
    assert.deepEqual(await exited, [0, null]);
  });

  it('takes over the socket that a killed runner left behind', async (t) => {
    const launch = launchOf();
    const { child, exited } = run(t, launch);
    const client = await readyClient(launch.listen);
    child.kill('SIGKILL');
    await exited;
    await client.closed;
    run(t, launch);
    using again = await readyClient(launch.listen);
    assert.notEqual(again.hello.pid, child.pid);
  });

  it('exits with 1 when the model cannot be loaded, with the words of the runtime on standard error', async (t) => {
    const runtime = {
      kind: 'onnx',
      path: '/nowhere/model.onnx',
      threads: 1,
      spinning: false,
      graphOptimisation: 'all',
      memoryArena: true,
    };
    const { exited, errors } = run(t, launchOf({ runtime }));
    assert.deepEqual(await exited, [1, null]);
    assert.match(errors(), /^x-1: could not load \/nowhere\/model\.onnx: .*File doesn't exist/);
  });

  it('speaks the Open Inference Protocol alone over HTTP', async (t) => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as { port: number };
    probe.close();
    await once(probe, 'close');
    const launch = launchOf({ http: { host: '127.0.0.1', port } });
    run(t, launch);
    using _client = await readyClient(launch.listen);
    const url = `http://127.0.0.1:${port}/v2/models/x`;
    assert.equal((await fetch(`${url}/ready`)).status, 200);
    const response = await fetch(`${url}/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1.5, 2] }] }),
    });
    const answer = (await response.json()) as { outputs: { name: string; data: number[] }[] };
    assert.equal(response.status, 200);
    assert.deepEqual(
      answer.outputs.map(({ name, data }) => [name, data]),
      [['y', [1.5, 2]]],
    );
    const wrong = await fetch(`${url}/infer`, { method: 'POST', body: '{"inputs":[]}' });
    assert.equal(wrong.status, 400);
    const statistics = (await (await fetch(`${url}/stats`)).json()) as { model_stats: { inference_count: number }[] };
    assert.equal(statistics.model_stats[0]?.inference_count, 1);
  });

  it('names the key of a launch that does not fit', async () => {
    await assert.rejects(parseLaunch('{'), { code: 'INVALID_REQUEST' });
    await assert.rejects(parseLaunch(JSON.stringify(launchOf({ replica: 7 }))), { message: /replica/ });
  });
});
