/** Control as a real process with real runners (of the simulated runtime): killed, restarted, told to stop. */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DeploymentView, OperationView } from '../api/schemas.ts';
import { modulePath } from '../module-path.ts';
import { openLifeline } from '../supervisor/lifeline.ts';
import { bindSocket } from '../supervisor/listening-socket.ts';
import type { FromChild, ToChild } from '../supervisor/messages.ts';
import { connectGateway } from '../testing/fake-gateway.ts';
import { settingsIn } from '../testing/process-settings.ts';
import { until } from '../testing/until.ts';

async function platform() {
  const directory = await mkdtemp(join(tmpdir(), 'fb-'));
  const socket = bindSocket({ key: 'control', host: '127.0.0.1', port: 0, insecure: false, fallback: false });
  const url = `http://127.0.0.1:${socket.port}/api/v1`;
  const settings = settingsIn(directory, { listeners: { control: { url } }, logLevel: 'info' });
  const holder = await openLifeline(settings.lifeline);
  const children: ChildProcess[] = [];

  async function start(): Promise<ChildProcess> {
    const child = fork(modulePath(import.meta.url, './process'), [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    children.push(child);
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => (words += chunk.toString()));
    const ready = new Promise<void>((resolve, reject) => {
      child.on('message', (message: FromChild) => message.kind === 'ready' && resolve());
      child.once('exit', (code) => reject(new Error(`control ended with ${code}: ${words}`)));
    });
    const first: ToChild = { kind: 'start', settings };
    const second: ToChild = { kind: 'listener', name: 'control' };
    child.send(first);
    child.send(second, socket.handle);
    await ready;
    return child;
  }

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers = body instanceof Buffer ? 'application/octet-stream' : 'application/json';
    const response = await fetch(`${url}/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': headers }, body: body instanceof Buffer ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${text}`);
    return JSON.parse(text) as T;
  }

  async function settled(operation: OperationView): Promise<OperationView> {
    return until('the end of the operation', async () => {
      const now = await call<OperationView>('GET', `operations/${operation.id}?waitMs=1000`);
      return now.state === 'running' ? undefined : now;
    });
  }

  return {
    directory,
    settings,
    start,
    call,
    settled,
    deployment: () => call<DeploymentView>('GET', 'deployments/d'),
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL');
      socket.close();
      // What is left of the runners notices here that nobody needs them.
      await holder[Symbol.asyncDispose]();
      await until(
        'the runners to end',
        async () => !(await readdir(directory)).some((name) => /^r-.*sock$/.test(name)),
      );
      await rm(directory, { recursive: true });
    },
  };
}

const simulatedModel = Buffer.from(`
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
warmUp: { batchSizes: [1], budgetMs: 0 }
`);

const hasEnded = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};
const pidsOf = ({ replicas }: DeploymentView): number[] =>
  replicas.map(({ where }) => Number(where.replace('pid ', ''))).toSorted((left, right) => left - right);

async function deploySimulated(place: Awaited<ReturnType<typeof platform>>): Promise<void> {
  const { createHash } = await import('node:crypto');
  const digest = `sha256:${createHash('sha256').update(simulatedModel).digest('hex')}`;
  await place.call('PUT', `artefacts/${digest}`, simulatedModel);
  await place.call('POST', `models/m/versions?modelFile=${digest}`);
  const deployment = { model: 'm', replicas: { min: 2, max: 2 } };
  const operation = await place.call<OperationView>('PUT', 'deployments/d', { deployment, by: 'ada' });
  const done = await place.settled(operation);
  assert.equal(done.state, 'succeeded', JSON.stringify(done));
}

test('control that is killed with -9 finds its runners again, leaves them running, and replaces one that dies', async () => {
  await using place = await platform();
  const first = await place.start();
  await deploySimulated(place);
  const before = pidsOf(await place.deployment());
  first.kill('SIGKILL');
  await new Promise((resolve) => {
    first.once('exit', resolve);
  });
  await place.start();
  using gateway = await connectGateway(place.settings.controlSocket);
  const table = await until('a table', () => gateway.tables[0]);
  assert.equal(table.deployments[0]?.versions[0]?.replicas.length, 2);
  assert.deepEqual(pidsOf(await place.deployment()), before);
  const [victim = 0] = before;
  process.kill(victim, 'SIGKILL');
  await until('another runner', async () => {
    const now = await place.deployment();
    return now.counts.ready === 2 && !pidsOf(now).includes(victim);
  });
});

test('told to drain, control ends its runners and then itself, and leaves nothing but the store behind', async () => {
  await using place = await platform();
  const control = await place.start();
  await deploySimulated(place);
  const pids = pidsOf(await place.deployment());
  const drain: ToChild = { kind: 'drain', deadlineMs: 30_000 };
  control.send(drain);
  const code = await new Promise((resolve) => {
    control.once('exit', resolve);
  });
  assert.equal(code, 0);
  assert.ok(pids.every(hasEnded));
  const left = (await readdir(place.directory)).filter((name) => name.startsWith('r-') || name.startsWith('replica-'));
  assert.deepEqual(left, []);
});
