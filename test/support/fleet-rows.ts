/**
 * Rows of tests on a real Swarm of three engines. The nodes' network is not this machine's: rows run in a process of their
 * own there, and a file of rows is both. Several share one testbed, one file after another; by itself each has its own.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildImage } from '../../deploy/image/build.ts';
import { testbedNames } from '../../testbed/names.ts';
import { attachTestbed, openTestbed, type Testbed, type TestbedOptions } from '../../testbed/testbed.ts';
import { engineSkip } from './engine.ts';

export const rowsMs = 900_000;
const variable = 'FLYBALL_TEST_TESTBED';

/**
 * `rows` declares them, given the testbed, in the process that is in its network; `others` are files of rows that run
 * after those of `file` there. `more`: what is different of the testbed.
 */
export function onTestbed(
  file: string,
  title: string,
  rows: (testbed: Testbed) => void,
  others: readonly URL[] = [],
  more: TestbedOptions = {},
): void {
  const name = process.env[variable];
  if (name !== undefined) {
    rows(attachTestbed(testbedNames(name)));
    return;
  }
  void test(title, { ...engineSkip, timeout: rowsMs }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fb-image-'));
    try {
      const image = await buildImage();
      const path = join(folder, 'flyball.tar');
      await image.writeTo(path, image.tag);
      await using testbed = await openTestbed({
        nodes: 3,
        heartbeatMs: 2000,
        images: [{ kind: 'file', path }],
        ...more,
      });
      const [program = '', ...words] = testbed.lan;
      const files = [file, ...others].map((url) => fileURLToPath(url));
      const child = spawn(
        program,
        [...words, process.execPath, '--test', '--test-reporter=spec', '--test-concurrency=1', ...files],
        {
          env: { ...process.env, [variable]: testbed.name, NODE_TEST_CONTEXT: undefined },
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      child.stdout.on('data', (chunk: Buffer) => process.stdout.write(chunk));
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 0, 'each row is above');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
