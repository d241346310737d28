import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { toolPaths } from './tool-paths.ts';
import { ownTools, putTools, type ToolSources } from './tools.ts';

const root = mkdtempSync(join(tmpdir(), 'flyball-tools-'));
after(() => rmSync(root, { recursive: true }));

/** A package as small as it gets. */
function home(): string {
  const path = join(root, 'home');
  for (const [name, text] of Object.entries({
    'package.json': '{"type":"module"}',
    LICENSE: '',
    'bin/flyball.js': "import 'kept'; console.log(process.execPath, process.argv.slice(2).join(' '));",
    'dist/a.js': '',
    'node_modules/kept/package.json': '{"type":"module","main":"i.js"}',
    'node_modules/kept/i.js': '',
    'node_modules/onnxruntime-node/big.so': '',
  })) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

describe('the runner for containers of other images', () => {
  const folder = join(root, 'volume');
  const put = async (key: string, sources?: ToolSources) => putTools(sources ?? (await ownTools(home())), folder, key);

  test('runs with nothing but what was put there', async () => {
    assert.equal(await put('one'), 'put');
    const { loader, libraries, node, home: at } = toolPaths(folder, 'one');
    assert.equal(existsSync(join(at, 'node_modules/onnxruntime-node')), false);
    const args = ['--inhibit-cache', '--library-path', libraries, node, join(at, 'bin/flyball.js'), 'runner', '--task'];
    const output = execFileSync(loader, args, {
      encoding: 'utf8',
      env: { LD_DEBUG: 'files', LD_DEBUG_OUTPUT: join(root, 'loaded') },
    });
    assert.equal(output.trim(), `${loader} runner --task`);
    const told = readdirSync(root).find((name) => name.startsWith('loaded.')) ?? '';
    const loaded = execFileSync('grep', ['-h', 'calling init:', join(root, told)], { encoding: 'utf8' })
      .trim()
      .split('\n');
    assert.ok(loaded.length > 3, 'it has loaded libraries');
    for (const line of loaded) assert.ok(line.includes(`init: ${folder}/one/`), line);
  });

  test('is left as it is where it is there, and a failure leaves nothing under its name', async () => {
    assert.equal(await put('one'), 'there');
    const sources = await ownTools(home());
    await assert.rejects(put('two', { ...sources, node: join(root, 'nowhere') }), /ENOENT/);
    assert.deepEqual(existsSync(join(folder, 'two')), false);
  });

  test('keeps the one that was put there before, and no older one', async () => {
    const age = (key: string, seconds: number): void => utimesSync(join(folder, key), seconds, seconds);
    age('one', 1);
    await put('three');
    age('three', 2);
    await put('four');
    assert.deepEqual(
      readdirSync(folder)
        .filter((name) => !name.startsWith('.'))
        .toSorted(),
      ['four', 'three'],
    );
  });
});
