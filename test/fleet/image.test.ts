/**
 * The container image on a real engine that has neither a registry nor a network: as deploy/compose.yaml runs the platform,
 * and a runner alone. Deadlines are many times what it takes.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type Docker from 'dockerode';
import { parse } from 'yaml';
import { buildImage, root, type BuiltImage } from '../../deploy/image/build.ts';
import { execute, healthOf, logsOf } from '../support/container.ts';
import { engineSkip, startEngine, type Engine } from '../support/engine.ts';
import { until } from '../support/platform.ts';

const bytesMax = 260e6;
const deadlineMs = 90_000;
const node = '/usr/local/bin/node';
const flyball = [node, '/opt/flyball/bin/flyball.js'];

interface ComposeService {
  readonly image: string;
  readonly command: string[];
  readonly volumes: readonly string[];
  readonly healthcheck: Readonly<Record<'interval' | 'timeout' | 'start_period', string>> & {
    readonly retries: number;
  };
  readonly environment: Readonly<Record<string, string>>;
  readonly init: boolean;
  readonly stop_grace_period: string;
  readonly read_only: boolean;
  readonly tmpfs: readonly string[];
  readonly cap_drop: string[];
  readonly security_opt: string[];
}

const seconds = (text: string): number => Number(/^(\d+)s$/.exec(text)?.[1]);

/** What `docker compose up` asks the engine for, but for its network: this one has none. */
function serviceOf(image: string): Docker.ContainerCreateOptions {
  const { services } = parse(readFileSync(join(root, 'deploy/compose.yaml'), 'utf8')) as {
    services: { flyball: ComposeService };
  };
  const { flyball } = services;
  const { healthcheck } = flyball;
  assert.equal(flyball.image, `\${FLYBALL_IMAGE:-${image}}`, 'what npm run image makes is what compose runs');
  return {
    Image: image,
    Cmd: flyball.command,
    Env: Object.entries(flyball.environment).map(
      ([name, value]) => `${name}=${value.replace(/^\$\{.*/, '0123456789abcdef')}`,
    ),
    Healthcheck: {
      Interval: seconds(healthcheck.interval) * 1e9,
      Timeout: seconds(healthcheck.timeout) * 1e9,
      StartPeriod: seconds(healthcheck.start_period) * 1e9,
      Retries: healthcheck.retries,
    },
    StopTimeout: seconds(flyball.stop_grace_period),
    HostConfig: {
      NetworkMode: 'none',
      Init: flyball.init,
      ReadonlyRootfs: flyball.read_only,
      Tmpfs: Object.fromEntries(flyball.tmpfs.map((path) => [path, ''])),
      CapDrop: flyball.cap_drop,
      SecurityOpt: flyball.security_opt,
      Binds: flyball.volumes.map((volume) => volume.replace(/^\.\//, `${join(root, 'deploy')}/`)),
    },
  };
}

/** Run inside: what this process may do, and what of the image can be loaded. */
const insider = `
  const { readFileSync, writeFileSync } = require('node:fs');
  const status = readFileSync('/proc/self/status', 'utf8');
  const line = (name) => new RegExp('^' + name + ':\\\\s+(\\\\S+)', 'm').exec(status)[1];
  const refused = (path) => { try { writeFileSync(path, 'x'); return 'written'; } catch (error) { return error.code; } };
  const home = '/opt/flyball';
  const names = Object.keys(require(home + '/package.json').dependencies);
  const loads = (name) => import(require.resolve(name, { paths: [home] })).then(() => 'loads', String);
  Promise.all(names.map(async (name) => [name, await loads(name)])).then((packages) => console.log(JSON.stringify({
    uid: process.getuid(), gid: process.getgid(), capabilities: line('CapEff'), noNewPrivileges: line('NoNewPrivs'),
    program: refused(home + '/x'), temporary: refused('/tmp/x'), telemetry: process.env.ORT_DISABLE_TELEMETRY,
    packages: Object.fromEntries(packages),
  })));
`;

async function whenHealthy(container: Docker.Container): Promise<void> {
  const status = await until(
    'the container is healthy',
    async () => {
      const health = await healthOf(container);
      if (health.status === 'starting' || health.status === 'unhealthy') throw new Error(JSON.stringify(health));
      return health.status;
    },
    deadlineMs,
  );
  assert.equal(status, 'healthy', await logsOf(container));
}

/** Milliseconds until it had ended on its stop signal. */
async function stop(container: Docker.Container, graceSeconds: number): Promise<number> {
  const began = performance.now();
  await container.stop({ t: graceSeconds });
  const { State } = await container.inspect();
  assert.equal(State.ExitCode, 0, await logsOf(container));
  return performance.now() - began;
}

describe('the container image', { ...engineSkip, timeout: 300_000 }, () => {
  let image: BuiltImage;
  let engine: Engine;

  before(async () => {
    image = await buildImage();
    engine = await startEngine({ images: [{ kind: 'file', path: await image.file() }] });
  });
  after(async () => await engine?.[Symbol.asyncDispose]());

  test('is made anew bit by bit, is what the engine has loaded, and stays small', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'flyball-image-'));
    try {
      assert.equal((await buildImage(folder)).id, image.id);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const { Id, Size, Config } = await engine.docker.getImage(image.tag).inspect();
    assert.equal(Id, image.id);
    t.diagnostic(`${(Size / 1e6).toFixed(0)} MB, ${(image.bytes / 1e6).toFixed(0)} MB as a file`);
    assert.ok(Size <= bytesMax, `${Size} bytes`);
    assert.equal(Config.User, '65532:65532');
    assert.match(Config.Labels['org.opencontainers.image.revision'] ?? '', /^[0-9a-f]{40}|unknown/);
  });

  test('runs the platform as compose does: read-only, as nobody in particular, answering, until SIGTERM', async (t) => {
    const container = await engine.docker.createContainer(serviceOf(image.tag));
    await container.start();
    await whenHealthy(container);

    const inside = await execute(container, [node, '-e', insider]);
    const { packages, ...rights } = JSON.parse(inside.output) as { packages: Record<string, string> };
    assert.deepEqual(rights, {
      uid: 65532,
      gid: 65532,
      capabilities: '0000000000000000',
      noNewPrivileges: '1',
      program: 'EROFS',
      temporary: 'written',
      telemetry: '1',
    });
    for (const [name, outcome] of Object.entries(packages)) assert.equal(outcome, 'loads', name);
    assert.match((await execute(container, ['/bin/sh', '-c', 'true'])).output, /no such file/);

    const examples = '/opt/flyball/examples/digits';
    const deployed = await execute(container, [...flyball, 'deploy', examples, '--name', 'digits']);
    assert.equal(deployed.code, 0, deployed.output);
    const answer = await execute(container, [...flyball, 'infer', 'digits', `${examples}/samples/seven.png`]);
    assert.match(answer.output, /seven/);

    const ms = await stop(container, seconds('75s'));
    t.diagnostic(`ended ${ms.toFixed(0)} ms after SIGTERM`);
    assert.match(await logsOf(container), /stopped: SIGTERM/);
  });

  test('runs a runner alone, first process of its container, and ends it on SIGTERM', async () => {
    const container = await engine.docker.createContainer({
      Image: image.tag,
      Cmd: ['runner', '/opt/flyball/examples/digits/1/model.onnx'],
      Healthcheck: { Interval: 1e9, Timeout: 20e9 },
      HostConfig: { NetworkMode: 'none', ReadonlyRootfs: true, Tmpfs: { '/tmp': '' }, CapDrop: ['ALL'] },
    });
    await container.start();
    await whenHealthy(container);
    await stop(container, 30);
  });

  test('ends on SIGTERM also while it boots and nobody listens for it yet', async () => {
    const container = await engine.docker.createContainer({
      Image: image.tag,
      // Whoever reads this waits for what never comes.
      Cmd: ['runner', '--task', '/dev/stdin'],
      OpenStdin: true,
      Env: ['FLYBALL_TASK=t1'],
      Healthcheck: { Test: ['NONE'] },
      HostConfig: { NetworkMode: 'none', ReadonlyRootfs: true, Tmpfs: { '/tmp': '' }, CapDrop: ['ALL'] },
    });
    await container.start();
    const { ExitCode } = await until(
      'it has ended',
      async () => {
        // The first may come before there is anything but Node; it has ended where one is refused.
        await container.kill({ signal: 'SIGTERM' }).catch(() => {});
        const { State } = await container.inspect();
        return State.Running ? undefined : State;
      },
      deadlineMs,
    );
    assert.equal(ExitCode, 128 + 15, await logsOf(container));
  });
});
