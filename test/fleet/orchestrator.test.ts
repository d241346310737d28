/**
 * The orchestrator's conformance suite against a real Docker Swarm of one node. The node's network is not this machine's:
 * the suite runs in a process of its own there, and this file is both. Replicas in other images follow on the same engine.
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
import { labels } from '../../src/drivers/orchestrators/swarm/service-spec.ts';
import { openSwarmOrchestrator } from '../../src/drivers/orchestrators/swarm/swarm.ts';
import { clusters } from '../../src/testing/conformance/orchestrator-cluster.ts';
import { declared } from '../../src/testing/conformance/orchestrator-deviations.ts';
import { endings } from '../../src/testing/conformance/orchestrator-endings.ts';
import { fleets } from '../../src/testing/conformance/orchestrator-fleet.ts';
import { limits } from '../../src/testing/conformance/orchestrator-limits.ts';
import { singleReplicas } from '../../src/testing/conformance/orchestrator-replicas.ts';
import { orchestratorConformance, type OrchestratorEngine } from '../../src/testing/conformance/orchestrator.ts';
import { coresOfContainer } from '../../src/testing/kernel-limits.ts';
import { makeAuthority } from '../../src/tls/authority.ts';
import { identityOf } from '../../src/tls/platform-authority.ts';
import { buildImage } from '../../deploy/image/build.ts';
import { engineSkip, startEngine } from '../support/engine.ts';
import { foreignImages } from '../support/foreign-image.ts';
import { renewedTasks } from './renewed-tasks.ts';

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
    const foreign = await foreignImages(folder);
    await using engine = await startEngine({
      images: [path, foreign].map((file) => ({ kind: 'file', path: file }) as const),
    });
    const [program = '', ...words] = engine.lan;
    const env = {
      ...process.env,
      FLYBALL_TEST_SOCKET: engine.socketPath,
      FLYBALL_TEST_IMAGE: image.tag,
      FLYBALL_TEST_TESTBED: engine.testbed.name,
      NODE_TEST_CONTEXT: undefined,
    };
    const files = [import.meta.url, new URL('foreign-rows.ts', import.meta.url)].map((url) => fileURLToPath(url));
    const child = await promisify(execFile)(
      program,
      [...words, process.execPath, '--test', '--test-reporter=spec', '--test-concurrency=1', ...files],
      { env },
    ).catch((error: { readonly stdout: string }) => assert.fail(error.stdout));
    process.stdout.write(child.stdout);
  }
} else {
  const docker = new Docker({ socketPath });
  const authority = makeAuthority('conformance', Date.now());

  async function engine(): Promise<OrchestratorEngine> {
    const platform = {
      name: `c-${randomBytes(3).toString('hex')}`,
      image: process.env['FLYBALL_TEST_IMAGE'] ?? '',
      doors: [],
      artefactsRoot: '/nowhere',
      stopGraceMs: 3000,
      certificateMs: 86_400_000,
    };
    const ours = { filters: { label: [`${labels.platform}=${platform.name}`] } };
    const open = (): Promise<Orchestrator> =>
      openSwarmOrchestrator({
        engine: openDocker({ kind: 'unix', path: socketPath as string }),
        clock: systemClock,
        platform,
        certificate(identity) {
          const { certificate, key } = identityOf(authority, identity, 'peer', Date.now());
          return certificate + key + authority.certificate;
        },
      });
    const containerOf = async (where: string): Promise<Docker.Container> => {
      const [, task] = /^task (\S+)/.exec(where) ?? [];
      const found = await docker.listContainers({ filters: { label: [`com.docker.swarm.task.id=${task}`] } });
      return docker.getContainer(found[0]?.Id ?? '');
    };
    return {
      open,
      identity: identityOf(authority, 'control', 'client', Date.now()),
      crash: async (_id, where) => (await containerOf(where)).kill(),
      async alive() {
        const found = (await docker.listTasks(ours)) as readonly {
          readonly DesiredState: string;
          readonly Status: { readonly State: string };
        }[];
        return found.filter(({ DesiredState, Status }) => DesiredState === 'running' || Status.State === 'running')
          .length;
      },
      async left() {
        const kept = await Promise.all([docker.listServices(ours), docker.listConfigs(ours), docker.listSecrets(ours)]);
        return kept.flat().map((each) => each.Spec?.Name ?? '');
      },
      async coresOf(where) {
        return coresOfContainer((await containerOf(where)).id);
      },
      async meddle() {
        const [service] = await docker.listServices(ours);
        const { ID, Version, Spec } = service as unknown as {
          readonly ID: string;
          readonly Version: { readonly Index: number };
          readonly Spec: { readonly Mode: { readonly Replicated: { readonly Replicas: number } } };
        };
        const Replicas = Spec.Mode.Replicated.Replicas + 1;
        await docker.getService(ID).update({ ...Spec, version: Version.Index, Mode: { Replicated: { Replicas } } });
      },
      async [Symbol.asyncDispose](): Promise<void> {
        await using last = await open();
        await last.clear?.();
      },
    };
  }

  orchestratorConformance({ name: 'swarm', deviations: declared.swarm, engine, concurrency: 4 }, [
    singleReplicas,
    fleets,
    endings,
    limits,
    clusters,
  ]);
  renewedTasks(docker, socketPath, process.env['FLYBALL_TEST_IMAGE'] ?? '');
}
