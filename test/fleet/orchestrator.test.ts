/**
 * The orchestrator's conformance suite against a real Docker Swarm of one node. The node's network is not this machine's:
 * the suite runs in a process of its own there, and this file is both.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { systemClock } from '../../src/clock.ts';
import type { Orchestrator } from '../../src/control/orchestrator.ts';
import { openDocker } from '../../src/drivers/orchestrators/swarm/docker.ts';
import { openSwarmOrchestrator } from '../../src/drivers/orchestrators/swarm/swarm.ts';
import { orchestratorConformance } from '../../src/testing/conformance/orchestrator.ts';
import { makeAuthority } from '../../src/tls/authority.ts';
import { identityOf } from '../../src/tls/platform-authority.ts';
import { buildImage } from '../../deploy/image/build.ts';
import { engineSkip, startEngine } from '../support/engine.ts';

const socketPath = process.env['FLYBALL_TEST_SOCKET'];

if (socketPath === undefined) {
  void test('the conformance suite of orchestrators holds on a real Swarm', engineSkip, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fb-image-'));
    try {
      await run(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  async function run(folder: string): Promise<void> {
    const image = await buildImage();
    const path = join(folder, 'flyball.tar');
    await image.writeTo(path, image.tag);
    await using engine = await startEngine({ images: [{ kind: 'file', path }] });
    const [program = '', ...words] = engine.lan;
    const env = {
      ...process.env,
      FLYBALL_TEST_SOCKET: engine.socketPath,
      FLYBALL_TEST_IMAGE: image.tag,
      NODE_TEST_CONTEXT: undefined,
    };
    const child = await promisify(execFile)(
      program,
      [...words, process.execPath, '--test', '--test-reporter=spec', fileURLToPath(import.meta.url)],
      { env },
    ).catch((error: { readonly stdout: string }) => assert.fail(error.stdout));
    process.stdout.write(child.stdout);
  }
} else {
  const docker = new Docker({ socketPath });
  const authority = makeAuthority('conformance', Date.now());
  orchestratorConformance('swarm', async () => {
    const platform = {
      name: `c-${randomBytes(3).toString('hex')}`,
      image: process.env['FLYBALL_TEST_IMAGE'] ?? '',
      doors: [],
      artefactsRoot: '/nowhere',
      stopGraceMs: 5000,
      certificateMs: 86_400_000,
    };
    const open = (): Promise<Orchestrator> =>
      openSwarmOrchestrator({
        engine: openDocker({ kind: 'unix', path: socketPath }),
        clock: systemClock,
        platform,
        certificate(identity) {
          const { certificate, key } = identityOf(authority, identity, 'peer', Date.now());
          return certificate + key + authority.certificate;
        },
      });
    return {
      open,
      identity: identityOf(authority, 'control', 'client', Date.now()),
      async crash(_id: string, where: string): Promise<void> {
        const [, task] = /^task (\S+)/.exec(where) ?? [];
        const found = await docker.listContainers({ filters: { label: [`com.docker.swarm.task.id=${task}`] } });
        await docker.getContainer(found[0]?.Id ?? '').kill();
      },
      async [Symbol.asyncDispose](): Promise<void> {
        await using last = await open();
        for (const { id } of await last.list()) await last.stop(id, 0);
      },
    };
  });
}
