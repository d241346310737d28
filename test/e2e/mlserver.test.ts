/** MLServer, as it is published, as the replica: deployed, asked over both protocols, killed, and back. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { openClient } from '../../src/client/client.ts';
import { listProcesses } from '../support/processes.ts';
import { findPython } from '../support/python.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';

const python = findPython('mlserver');
const mlserver = join(dirname(python.path), 'mlserver');
/** Python starts slowly where every core is busy. */
const startMs = 180_000;
const files = ['model-settings.json', 'settings.json', 'addone.py'];
const read = (name: string): string => readFileSync(new URL(`../fixtures/mlserver/${name}`, import.meta.url), 'utf8');

const declaration = `
platform: server
server:
  command: [${mlserver}, start, .]
  files: [${files.join(', ')}]
  env: { MLSERVER_HTTP_PORT: '{port}', MLSERVER_GRPC_PORT: '{port:grpc}', MLSERVER_METRICS_PORT: '{port:metrics}' }
  model: addone
`;

/** Until the gateway serves it: control knows it a moment earlier. */
const serving = (platform: Platform): Promise<boolean> =>
  until(
    'MLServer to serve',
    async () => {
      const response = await fetch(`${platform.http}/v2/models/plus/ready`);
      if (response.status !== 200) throw new Error(await response.text());
      return true;
    },
    startMs,
  );

test(
  'a model behind MLServer answers over REST and gRPC, and comes back when it is killed',
  { skip: python.skip },
  async () => {
    await using platform = await startPlatform({
      models: {
        'plus/model.yaml': declaration,
        ...Object.fromEntries(files.map((name) => [`plus/${name}`, read(name)])),
      },
      specification: { models: { plus: { path: './models/plus' } }, deployments: { plus: { model: 'plus' } } },
    });
    await serving(platform);

    const metadata = (await (await fetch(`${platform.http}/v2/models/plus`)).json()) as { inputs: unknown };
    assert.deepEqual(metadata.inputs, [{ name: 'x', datatype: 'INT64', shape: [-1, 3] }], 'as MLServer says it');

    const bytes = new Uint8Array(BigInt64Array.of(9_007_199_254_740_993n, -1n, 41n).buffer);
    const wanted = BigInt64Array.of(9_007_199_254_740_994n, 0n, 42n);
    const ask = async (transport: 'http' | 'grpc'): Promise<void> => {
      await using client = openClient({ url: platform[transport], transport });
      const { outputs } = await client.infer({
        model: 'plus',
        inputs: [{ name: 'x', datatype: 'INT64', shape: [1, 3], bytes }],
      });
      assert.equal(outputs[0]?.name, 'y');
      assert.deepEqual(new BigInt64Array(new Uint8Array(outputs[0].bytes).buffer), wanted);
    };
    await ask('http');
    await ask('grpc');

    const refused = await fetch(`${platform.http}/v2/models/plus/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] }),
    });
    assert.equal(refused.status, 400);

    const find = (): number | undefined => listProcesses().find(({ command }) => command.includes(mlserver))?.pid;
    const pid = find();
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGKILL');
    await until(
      'another MLServer',
      () => {
        const found = find();
        return found === undefined || found === pid ? undefined : found;
      },
      startMs,
    );
    await serving(platform);
    await ask('http');
    await platform.end('SIGTERM');
    assert.equal(find(), undefined, 'it ends with the platform');
  },
);
