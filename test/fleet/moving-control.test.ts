/**
 * A platform on a real Swarm of three managers that keeps what it knows in PostgreSQL, put there by Docker's own tool: two
 * controls, of which one acts, and the other when its machine is lost. All of it is on nodes 2 and 3; node 1 only manages,
 * since both controls use its engine's socket: nodes of a testbed share their paths. Callers know the gateways of both.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startPostgres, type PostgresServer } from '../../src/testing/postgres-server.ts';
import type { Testbed } from '../../testbed/testbed.ts';
import { onTestbed, rowsMs } from '../support/fleet-rows.ts';
import { dockerCommand } from '../support/fleet.ts';
import { callers, openStack, secondsSince, until, type Stack } from '../support/stack.ts';

onTestbed(import.meta.url, 'control moves', rows, [], { managers: 3 });

function rows(testbed: Testbed): void {
  const nodes = [2, 3] as const;
  const hostname = (node: number): string => testbed.node(node).hostname;

  describe('a platform on a Swarm with PostgreSQL', { timeout: rowsMs }, () => {
    let stack: Stack;
    let store: PostgresServer;

    before(async () => {
      dockerCommand(testbed, 1, 'node', 'update', '--availability', 'drain', hostname(1));
      const lan = networkInterfaces()['br0']?.find(({ family }) => family === 'IPv4');
      store = await startPostgres(undefined, lan?.address);
      stack = await openStack(testbed, 'moving');
      const [passwordFile, sealKeyFile] = [join(stack.folder, 'password'), join(stack.folder, 'seal-key')];
      await writeFile(passwordFile, store.password);
      await writeFile(sealKeyFile, randomBytes(32).toString('hex'));
      await stack.write({
        store: { kind: 'postgres', url: `${store.url}?sslmode=disable`, passwordFile, sealKeyFile, leaseMs: 5000 },
        deployments: { steady: { model: 'steady@champion', replicas: { min: 2, max: 2 } } },
      });
    });
    after(async () => {
      await store?.[Symbol.asyncDispose]();
      await stack?.[Symbol.asyncDispose]();
    });

    /** The node of the control that acts, once all replicas are ready. */
    const acting = (besides?: number): Promise<number> =>
      until('a control that acts', async () => {
        const { deployments, store: kept } = await stack.status();
        const node = nodes.find((number) => kept?.holder.includes(hostname(number)));
        return node !== besides && deployments[0]?.counts.ready === 2 ? node : undefined;
      });

    test('docker stack deploy puts it there, from a file that was written for it', async (t) => {
      const folder = join(stack.folder, 'stack');
      const written = await stack.flyball('up', stack.specification, '--orchestrator', 'swarm', '--write', folder);
      assert.equal(written.code, 0, written.stderr);
      const at = performance.now();
      const { socketPath } = testbed.node(1);
      const args = ['-H', `unix://${socketPath}`, 'stack', 'deploy', '--compose-file', 'stack.yaml'];
      execFileSync('docker', [...args, '--resolve-image', 'never', 'moving'], { cwd: folder, stdio: 'pipe' });
      await until('control to answer', async () => ((await stack.flyball('status')).code === 0 ? true : undefined));
      const deployed = await stack.flyball('deploy', stack.specification);
      assert.equal(deployed.code, 0, deployed.stdout + deployed.stderr);
      for (const node of nodes) await stack.servedAt(node);
      t.diagnostic(`serves after ${secondsSince(at)}`);
      const controls = nodes.flatMap((node) => stack.containers(node, 'io.flyball.role=control'));
      assert.equal(controls.length, 2);
    });

    test('the machine of the control that acts loses power: the other one acts, and callers go on through the other gateway', async (t) => {
      const lost = await acting();
      const token = (await stack.status()).store?.token ?? 0;
      const { failures, turned } = await stack.underLoad(t, nodes, async () => {
        const at = performance.now();
        await testbed.kill(lost);
        await acting(lost);
        return `the other control acts, at full capacity, after ${secondsSince(at)}`;
      });
      assert.deepEqual(failures, []);
      assert.ok(turned.length <= callers, JSON.stringify(turned));
      assert.ok(((await stack.status()).store?.token ?? 0) > token);

      // Back again, what it had is not counted twice, and its control only stands by.
      await testbed.start(lost);
      await stack.servedAt(lost);
      const replicas = (): number =>
        nodes.flatMap((node) => stack.containers(node, 'io.flyball.deployment=steady')).length;
      await until('no more replicas than wanted', () => replicas() === 2 || undefined);
      assert.notEqual(await acting(), lost);
    });

    test('down leaves nothing but volumes', async () => {
      const { code, stderr } = await stack.flyball('down');
      assert.equal(code, 0, stderr);
      for (const node of nodes) assert.deepEqual(stack.containers(node, 'io.flyball.platform=moving'), []);
    });
  });
}
