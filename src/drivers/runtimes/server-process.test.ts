/** A runner with a server behind it, both as real processes: whoever dies, and however, nothing is left. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serverSettings } from '../../config/model-file.ts';
import { modulePath } from '../../module-path.ts';
import { connectRunner, untilConnected, type RunnerClient } from '../../testing/runner-client.ts';
import { until } from '../../testing/until.ts';
import { processesWith } from '../orchestrators/process-identity.ts';

const folder = mkdtempSync(join(tmpdir(), 'flyball-server-process-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let numbers = 0;
const script = fileURLToPath(new URL('../../testing/foreign-server.ts', import.meta.url));

interface Started {
  readonly runner: ReturnType<typeof spawn>;
  readonly exited: Promise<unknown[]>;
  readonly client: RunnerClient;
  /** The server and what it has started; empty when nothing of it is left. */
  readonly servers: () => readonly number[];
}

async function start(t: TestContext, args: readonly string[], options: object = {}): Promise<Started> {
  numbers += 1;
  const replica = `x-${numbers}`;
  const listen = { kind: 'unix', path: join(folder, `r-${replica}.sock`) } as const;
  const launch = {
    replica,
    model: 'x',
    version: '1',
    digest: 'd',
    runtime: {
      kind: 'server',
      ...serverSettings.parse({}),
      model: 'foreign',
      command: [process.execPath, script, ...args],
      files: {},
      ...options,
    },
    warmUp: { batchSizes: [1], budgetMs: 100, samples: [] },
    listen,
  };
  const runner = spawn(
    process.execPath,
    [modulePath(import.meta.url, '../../runner/process'), JSON.stringify(launch)],
    {
      stdio: 'ignore',
      detached: true,
      env: { ...process.env, FLYBALL_RUN_DIRECTORY: folder, FLYBALL_REPLICA: replica },
    },
  );
  t.after(() => runner.kill('SIGKILL'));
  const exited = once(runner, 'exit');
  await untilConnected(listen.path);
  const client = await connectRunner(listen);
  t.after(() => client[Symbol.dispose]());
  await client.reached('ready');
  const marks = { FLYBALL_SERVER_RUN_DIRECTORY: folder, FLYBALL_SERVER_REPLICA: replica };
  return { runner, exited, client, servers: () => [...processesWith(marks)].map(({ pid }) => pid) };
}

const call = {
  items: [{ rows: 1, requestId: 'r' }],
  payload: { kind: 'tensors', parts: [{ name: 'in0', datatype: 'FP32', shape: [1, 3], byteLength: 12 }] },
} as const;

describe('a server behind a runner', () => {
  it('is passed calls, and its memory is counted with the runner’s', async (t) => {
    const { client, servers } = await start(t, []);
    assert.equal(client.hello.platform, 'server');
    const { header } = await client.infer(call, [new Uint8Array(12)]);
    assert.equal(header.outputs?.[0]?.name, 'out0');
    assert.ok((header.computeMs ?? -1) > 0);
    assert.equal(servers().length, 1);
    const replicas = [...processesWith({ FLYBALL_RUN_DIRECTORY: folder })];
    assert.equal(replicas.length, 1, 'neither server nor guard can be taken for a replica');
    const { residentBytes } = await client.status();
    assert.ok(residentBytes > 80_000_000, `${residentBytes} bytes of two processes of Node`);
  });

  it('ends with what it has started when the runner is killed, although it ignores SIGTERM', async (t) => {
    const { runner, exited, servers } = await start(t, ['--fault', 'ignore-term'], { stopMs: 500 });
    await until('the server and its worker', () => servers().length === 2);
    runner.kill('SIGKILL');
    await exited;
    await until('both to be gone', () => servers().length === 0);
  });

  it('ends when the whole group of the runner is killed', async (t) => {
    const { runner, exited, servers } = await start(t, []);
    assert.equal(servers().length, 1);
    process.kill(-(runner.pid as number), 'SIGKILL');
    await exited;
    await until('the server to be gone', () => servers().length === 0);
  });

  it('ends before the runner when that is told to stop', async (t) => {
    const { runner, exited, servers } = await start(t, []);
    runner.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
    assert.equal(servers().length, 0);
  });

  it('that is killed fails the replica, and its runner ends with the reason', async (t) => {
    const { client, exited, servers } = await start(t, []);
    process.kill(servers()[0] as number, 'SIGKILL');
    const { state } = await client.reached('failed');
    assert.equal(state.kind === 'failed' && state.code, 'REPLICA_FAILED');
    assert.match(state.kind === 'failed' ? state.message : '', /the server's command ended, killed by SIGKILL/);
    assert.deepEqual(await exited, [1, null]);
  });

  it('that hangs fails its call after callMs, then the replica, and is killed although it is stopped', async (t) => {
    const { client, exited, servers } = await start(t, [], { callMs: 300, stopMs: 200 });
    process.kill(servers()[0] as number, 'SIGSTOP');
    const { header } = await client.infer(call, [new Uint8Array(12)]);
    assert.equal(header.error?.code, 'REPLICA_FAILED');
    await client.reached('failed');
    assert.deepEqual(await exited, [1, null]);
    assert.equal(servers().length, 0);
  });

  it('that hangs while it is idle fails the replica by its health', async (t) => {
    const { client, servers } = await start(t, [], { healthMs: 50 });
    process.kill(servers()[0] as number, 'SIGSTOP');
    const { state } = await client.reached('failed');
    assert.match(state.kind === 'failed' ? state.message : '', /is not well: .*no answer within 100 ms/);
  });
});
