/** The example of another server as the replica, started as its README says. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openClient } from '../../src/client/client.ts';
import { packBytes } from '../../src/protocol/elements.ts';
import { startPlatform, until } from '../support/platform.ts';

function withoutPython(): string | false {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    if (process.env['CI'] === 'true') throw new Error('expected python3 on CI');
    return 'there is no python3 here';
  }
}

test('examples/mood answers from a server in Python', { skip: withoutPython() }, async () => {
  const read = (name: string): string => readFileSync(new URL(`../../examples/mood/${name}`, import.meta.url), 'utf8');
  await using platform = await startPlatform({
    models: { 'mood/model.yaml': read('model.yaml'), 'mood/server.py': read('server.py') },
    specification: { models: { mood: { path: './models/mood' } }, deployments: { mood: { model: 'mood' } } },
  });
  await until('the gateway to serve it', async () =>
    (await fetch(`${platform.http}/v2/models/mood/ready`)).status === 200 ? true : undefined,
  );
  await using client = openClient({ url: platform.grpc, transport: 'grpc' });
  const texts = ['What a bright day, thanks!', 'Late and broken.', 'Well.'];
  const inputs = [{ name: 'text', datatype: 'BYTES', shape: [3], bytes: packBytes(texts) }] as const;
  const { outputs } = await client.infer({ model: 'mood', inputs });
  assert.deepEqual([...new Float32Array(new Uint8Array(outputs[0]?.bytes ?? []).buffer)], [1, -1, 0]);
});
