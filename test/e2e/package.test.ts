/** `npm pack`, installed in an empty folder as a user would: the command runs, serves, and the client can be imported. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const root = new URL('../..', import.meta.url).pathname;
const run = promisify(execFile);
const packageBytesMax = 5 * 1024 * 1024;

test('the packed package installs in an empty folder, prints its version and exports its client', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-package-'));
  try {
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: root,
      maxBuffer: 1 << 26,
    });
    const packed: unknown = JSON.parse(
      stdout.slice(
        stdout.indexOf('[') === -1 ? stdout.indexOf('{') : Math.min(stdout.indexOf('['), stdout.indexOf('{')),
      ),
    );
    const [first] = (Array.isArray(packed) ? packed : Object.values(packed as object)) as {
      filename: string;
      size: number;
    }[];
    assert.ok(first !== undefined);
    const archive = join(folder, first.filename);
    assert.ok(statSync(archive).size <= packageBytesMax, `${statSync(archive).size} bytes`);

    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({
        private: true,
        type: 'module',
        allowScripts: { 'onnxruntime-node': false, '@julusian/jpeg-turbo': false, protobufjs: false },
      }),
    );
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', archive], {
      cwd: folder,
      maxBuffer: 1 << 26,
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    });
    const command = join(folder, 'node_modules', 'flyball', 'bin', 'flyball.js');

    await t.test('the command runs from the package', async () => {
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
      const result = await run(process.execPath, [command, '--version'], { cwd: folder });
      assert.match(result.stdout, new RegExp(version.replaceAll('.', '\\.')));
    });

    await t.test('the client is importable by its subpath', async () => {
      const script = "import { openClient } from 'flyball/client'; console.log(typeof openClient);";
      const result = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
      assert.equal(result.stdout.trim(), 'function');
    });

    await t.test('the packaged demo answers a digit and ends cleanly', async () => {
      const data = join(folder, 'data');
      const up = await run(process.execPath, [command, 'up', '--demo', '--detach', '--data-dir', data], {
        cwd: folder,
        timeout: 180_000,
      });
      try {
        const url = /curl -T (\S+) (\S+)/.exec(up.stdout + up.stderr);
        assert.ok(url !== null, up.stdout + up.stderr);
        const { stdout: answer } = await run('curl', ['-sS', '-T', url[1] as string, url[2] as string], {
          cwd: folder,
        });
        assert.match(answer, /seven|"7"/);
      } finally {
        const { listeners } = JSON.parse(readFileSync(join(data, 'supervisor.json'), 'utf8')) as {
          listeners: { control: { url: string } };
        };
        await run(process.execPath, [command, 'down', '--url', listeners.control.url], {
          cwd: folder,
          timeout: 180_000,
        });
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('an older Node is told what it needs, in one line', async () => {
  const source = readFileSync(join(root, 'bin', 'flyball.js'), 'utf8');
  const folder = mkdtempSync(join(tmpdir(), 'flyball-package-'));
  try {
    // The same file, told that it runs on an older Node: the check must come before anything that such a Node can't parse.
    const script = join(folder, 'flyball.js');
    writeFileSync(script, source);
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '20.11.0' }); Object.defineProperty(process, 'version', { value: 'v20.11.0' });`;
    writeFileSync(join(folder, 'pretend.cjs'), pretend);
    const failure = await run(process.execPath, ['--require', join(folder, 'pretend.cjs'), script], {
      cwd: folder,
    }).then(
      () => undefined,
      (error: { code: number; stderr: string }) => error,
    );
    assert.equal(failure?.code, 2);
    assert.match(failure.stderr, /20\.11\.0/);
    assert.match(failure.stderr, /24/);
    assert.equal(failure.stderr.trim().split('\n').length, 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
