/** Several `flyball up` at the same moment that want the same free ports, as two people on one machine may do it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePorts } from '../../src/testing/free-ports.ts';
import { cliPath, startPlatform, until, type Platform } from '../support/platform.ts';

const listenersFrom = (first: number): Record<string, unknown> =>
  Object.fromEntries(
    ['http', 'grpc', 'metrics', 'control'].map((name, index) => [name, { host: '127.0.0.1', port: first + index }]),
  );

/** One that may take the next free ports. */
const start = async (first: number): Promise<Platform> => {
  const platform = await startPlatform({
    specification: { listeners: listenersFrom(first) },
    arguments: ['--demo'],
  });
  await until('control to answer', () => platform.status());
  return platform;
};

test('all of them come up, each on ports of its own', { timeout: 240_000 }, async () => {
  const first = await freePorts(4);
  await using stack = new AsyncDisposableStack();
  const outcomes = await Promise.allSettled(Array.from({ length: 3 }, async () => stack.use(await start(first))));
  assert.deepEqual(
    outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => String(reason)),
    [],
  );
  const urls = outcomes
    .filter((outcome) => outcome.status === 'fulfilled')
    .flatMap(({ value }) => [value.http, value.grpc, value.metrics, value.control]);
  assert.equal(new Set(urls).size, 12, urls.join(' '));
});

test(
  'where they may not move, one comes up and the others say which port is taken',
  { timeout: 240_000 },
  async (t) => {
    const first = await freePorts(4);
    const folder = mkdtempSync(join(tmpdir(), 'flyball-test-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const specification = join(folder, 'flyball.yaml');
    writeFileSync(specification, JSON.stringify({ listeners: listenersFrom(first) }));
    const started = [1, 2, 3].map((number) => {
      const args = [cliPath, 'up', specification, '--data-dir', join(folder, `data-${number}`)];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      let words = '';
      child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
      const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, words }));
      return { child, ended };
    });
    const over = new Set<Awaited<(typeof started)[number]['ended']>>();
    for (const { ended } of started) void ended.then((end) => over.add(end));
    try {
      await until('two of them to give up', () => (over.size >= 2 ? true : undefined));
      await until(
        'control of the third to answer',
        async () => (await fetch(`http://127.0.0.1:${first + 3}/api/v1/status`)).ok || undefined,
      );
    } finally {
      for (const { child } of started) child.kill('SIGTERM');
      await Promise.all(started.map(({ ended }) => ended));
    }
    const [refused, served] = [[...over].filter(({ code }) => code !== 0), [...over].filter(({ code }) => code === 0)];
    assert.deepEqual([refused.length, served.length], [2, 1], [...over].map(({ words }) => words).join('\n'));
    for (const { words } of refused) {
      assert.match(
        words,
        new RegExp(`listeners\\.http: port ${first} on 127\\.0\\.0\\.1 is in use by .+PORT_IN_USE`, 's'),
      );
    }
  },
);
