/** The README's first minute, as a newcomer lives it: the demo, the curl line, Ctrl-C. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { cliPath, until } from '../support/platform.ts';
import { runCli } from '../support/cli.ts';
import { listProcesses } from '../support/processes.ts';

const root = new URL('../..', import.meta.url).pathname;
const run = promisify(execFile);

/** `flyball up --demo` as it stands in the README, with a data directory of its own. */
function startDemo(folder: string, specification: readonly string[]) {
  const args = [cliPath, 'up', ...specification, '--demo', '--data-dir', join(folder, 'data')];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  return { text: () => text, exited, interrupt: () => void child.kill('SIGINT') };
}

test('with every port of the demo taken, it takes the next free ones and its curl line has them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-test-'));
  const holders: net.Server[] = [];
  const held: string[] = [];
  for (const port of [8000, 8001, 8002, 8080]) {
    // Taken by somebody else: as good, as long as he has it.
    const holder = net.createServer().on('error', () => {});
    holders.push(holder.listen(port, '127.0.0.1', () => held.push(String(port))));
  }
  const demo = startDemo(folder, []);
  try {
    const [, file, url] = (await until(
      'the curl line',
      () => /curl -T (\S+) (\S+)/.exec(demo.text()) ?? undefined,
    )) as unknown as [string, string, string];
    const ports = [...demo.text().matchAll(/^ {2}(?:REST|gRPC|metrics|control API) +\w+:\/\/127\.0\.0\.1:(\d+)/gm)].map(
      ([, port]) => port,
    );
    assert.equal(new Set(ports).size, 4, demo.text());
    assert.deepEqual(
      held.filter((port) => ports.includes(port)),
      [],
      demo.text(),
    );
    if (held.includes('8000')) assert.match(demo.text(), /the usual port for http is taken/);
    const { stdout } = await run('curl', ['-sS', '-T', file, url], { cwd: root });
    assert.match(stdout, /seven/);
  } finally {
    demo.interrupt();
    for (const holder of holders) holder.close();
    assert.equal(await demo.exited, 0, demo.text());
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the demo serves, its printed curl line works, and Ctrl-C leaves nothing behind', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-test-'));
  const demo = startDemo(folder, ['examples/demo.yaml']);
  try {
    const line = await until('the curl line', () => /curl -T (\S+) (\S+)/.exec(demo.text()) ?? undefined);
    const [, file, url] = line as unknown as [string, string, string];

    await t.test('the digit is read right', async () => {
      const { stdout } = await run('curl', ['-sS', '-T', file, url], { cwd: root });
      assert.match(stdout, /seven|"7"/);
    });

    const { listeners } = JSON.parse(readFileSync(join(folder, 'data', 'supervisor.json'), 'utf8')) as {
      listeners: Record<'http' | 'metrics' | 'control', { url: string }>;
    };
    const environment = { FLYBALL_URL: listeners.control.url };

    await t.test('status shows the demo for people and for programs', async () => {
      const people = await runCli(['status'], environment);
      assert.equal(people.code, 0, people.stderr);
      assert.match(people.stdout, /digits/);
      assert.match(people.stdout, /resnet18/);
      assert.ok(!people.stdout.includes('\u001B'));
      const programs = await runCli(['status', '-o', 'json'], environment);
      const view = JSON.parse(programs.stdout) as { deployments: { name: string; state: string; note?: string }[] };
      assert.deepEqual(
        view.deployments.filter(({ state }) => state !== 'serving'),
        [],
      );
      assert.match(view.deployments.find(({ name }) => name === 'resnet18')?.note ?? '', /random|load/i);
    });

    await t.test('infer prints an answer that a person reads', async () => {
      const { code, stdout, stderr } = await runCli(
        ['infer', 'digits', 'examples/digits/samples/three.png'],
        environment,
      );
      assert.equal(code, 0, stderr);
      assert.match(stdout, /three|\b3\b/);
    });

    await t.test('the third-party model reads its sample', async () => {
      const sample = readdirSync(join(root, 'examples/ocr/samples')).find((name) => name.endsWith('.png')) as string;
      const { code, stdout, stderr } = await runCli(
        ['infer', 'ocr', join('examples/ocr/samples', sample), '-o', 'json'],
        environment,
      );
      assert.equal(code, 0, stderr);
      assert.ok(stdout.length > 2);
    });

    await t.test('load measures what it sends', async () => {
      const { code, stdout, stderr } = await runCli(
        ['load', 'digits', '--callers', '4', '--duration', '1s', '-o', 'json'],
        environment,
      );
      assert.equal(code, 0, stderr);
      const report = JSON.parse(stdout) as Record<string, unknown>;
      assert.ok(JSON.stringify(report).length > 20);
    });

    await t.test('metrics tell of it', async () => {
      const metrics = await (await fetch(`${listeners.metrics.url}/metrics`)).text();
      assert.match(metrics, /^flyball_requests_total\{deployment="digits",.*outcome="ok"\} [1-9]\d*$/m);
      assert.match(metrics, /^flyball_cold_start_seconds_count\{deployment="digits",stage="load"\} [1-9]/m);
    });

    await t.test('a plan against what runs is empty', async () => {
      const { code, stdout, stderr } = await runCli(['plan', 'examples/demo.yaml', '--demo'], environment);
      assert.ok(code === 0 || code === 2 || code === 3, `${code} ${stdout} ${stderr}`);
    });
  } finally {
    demo.interrupt();
    assert.equal(await demo.exited, 0, demo.text());
    assert.deepEqual(
      listProcesses().filter(({ command }) => command.includes(folder)),
      [],
      'processes were left behind',
    );
    assert.equal(existsSync(join(folder, 'data', 'supervisor.json')), false);
    rmSync(folder, { recursive: true, force: true });
  }
});
