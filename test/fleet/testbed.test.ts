/**
 * The testbed itself, on real engines: what its commands do as the Swarm's manager sees it, and that nothing is left.
 * Every deadline is many times what it takes.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { takeDown } from '../../testbed/down.ts';
import { answers } from '../../testbed/engine.ts';
import { testbedNames } from '../../testbed/names.ts';
import { openTestbed, raiseTestbed, type Testbed } from '../../testbed/testbed.ts';
import type { NodeStatus } from '../../testbed/status.ts';
import { engineSkip, makeShellImage, startEngine } from '../support/engine.ts';
import { listProcesses } from '../support/processes.ts';
import { until } from '../support/platform.ts';

const deadlineMs = 45_000;
const image = 'shell:1';
const uniqueName = (): string => `t-${randomBytes(4).toString('hex')}`;

/** What of a testbed is on the machine, looked for without the testbed's own code. */
function tracesOf(name: string): readonly string[] {
  const groups = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) =>
        entry.name === name ? [`${path}/${name}`] : path.split('/').length < 6 ? groups(`${path}/${entry.name}`) : [],
      );
  const inGroup = (pid: number): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/${name}/`);
    } catch {
      return false; // it has ended in between
    }
  };
  return [
    ...listProcesses()
      .filter(({ pid, command }) => pid !== process.pid && (command.includes(`/${name}/`) || inGroup(pid)))
      .map(({ pid, command }) => `process ${pid} ${command}`),
    ...execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(name)),
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(name)),
    ...execFileSync('ip', ['-brief', 'address'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(` ${testbedNames(name).machine.address}/24`)),
    ...groups('/sys/fs/cgroup'),
    ...(existsSync('/var/lib/flyball-testbed')
      ? readdirSync('/var/lib/flyball-testbed')
          .filter((entry) => entry.startsWith(name))
          .map((entry) => `folder ${entry}`)
      : []),
  ];
}

/** Whether the machine gets a connection to a node's engine, within a second. */
async function connects(address: string): Promise<boolean> {
  const socket = connect({ host: address, port: 2377 });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** The command line, as a person would use it. */
function testbedCommand(name: string, ...args: readonly string[]): string {
  const main = new URL('../../testbed/main.ts', import.meta.url).pathname;
  return execFileSync(process.execPath, [main, '--name', name, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('a testbed of three engines', { ...engineSkip, timeout: 240_000 }, () => {
  const name = uniqueName();
  let testbed: Testbed;
  const settings = {
    nodes: 3,
    heartbeatMs: 1000,
    cpus: 0.4,
    memoryMiB: 2048,
    advertisedCpus: 1,
    genericResources: { gpu: 2 },
    reachable: true,
  };

  const node = async (number: number): Promise<NodeStatus> => {
    const { nodes } = await testbed.status();
    return nodes[number - 1] as NodeStatus;
  };
  /** Waits until a node looks so. */
  const sees = (number: number, expected: Partial<NodeStatus>): Promise<NodeStatus> =>
    until(
      `node ${number} is ${JSON.stringify(expected)}`,
      async () => {
        const found = await node(number);
        const differs = Object.entries(expected).some(([key, value]) => found[key as keyof NodeStatus] !== value);
        return differs ? undefined : found;
      },
      deadlineMs,
    );
  const runsOn = (number: number): Promise<NodeStatus> =>
    until(
      `node ${number} runs its task`,
      async () => {
        const found = await node(number);
        return (found.containers ?? []).some((each) => each.startsWith('everywhere.')) ? found : undefined;
      },
      deadlineMs,
    );

  before(async () => {
    testbed = await openTestbed({ ...settings, name });
    await makeShellImage(testbed.docker(1), image);
    await testbed.load({ kind: 'engine', tag: image, socketPath: testbed.node(1).socketPath });
    await testbed.docker(1).createService({
      Name: 'everywhere',
      Mode: { Global: {} },
      TaskTemplate: { ContainerSpec: { Image: image, Command: ['/bin/sleep', '100000'] } },
    });
  });
  after(async () => testbed?.[Symbol.asyncDispose]());

  test('each node has what it says: one core, 2 GiB, two GPUs, a name and an address', async () => {
    const listed = (await testbed.docker(1).listNodes()) as readonly {
      readonly Status: { readonly Addr: string };
      readonly Description: {
        readonly Hostname: string;
        readonly Resources: {
          readonly NanoCPUs: number;
          readonly MemoryBytes: number;
          readonly GenericResources: readonly unknown[];
        };
      };
    }[];
    const said = listed
      .map(({ Status: { Addr }, Description: { Hostname, Resources } }) => {
        const { NanoCPUs, MemoryBytes, GenericResources } = Resources;
        return { Hostname, Addr, NanoCPUs, MemoryBytes, GenericResources };
      })
      .toSorted((one, other) => one.Hostname.localeCompare(other.Hostname));
    const expected = [1, 2, 3].map((number) => ({
      Hostname: `node${number}`,
      Addr: testbed.node(number).address,
      NanoCPUs: 1e9,
      MemoryBytes: 2048 * 1024 * 1024,
      GenericResources: [{ DiscreteResourceSpec: { Kind: 'gpu', Value: 2 } }],
    }));
    assert.deepEqual(said, expected);
  });

  test('all containers of a node together use no more than its share of the cores', async () => {
    const engine = testbed.docker(2);
    const busy = { Image: image, Cmd: ['/bin/sh', '-c', 'while :; do :; done'] };
    const containers = await Promise.all([engine.createContainer(busy), engine.createContainer(busy)]);
    await Promise.all(containers.map((container) => container.start()));
    const from = { at: performance.now(), used: (await node(2)).cpuSeconds };
    await until('a while has passed', () => (performance.now() - from.at > 2000 ? true : undefined), deadlineMs);
    const used = (await node(2)).cpuSeconds - from.used;
    const seconds = (performance.now() - from.at) / 1000;
    await Promise.all(containers.map((container) => container.remove({ force: true })));
    assert.ok(used > 0, 'they have computed');
    // The kernel gives out its share every 100 ms: one of them more at either end.
    assert.ok(used <= settings.cpus * (seconds + 0.2), `${used} s of CPU in ${seconds} s`);
  });

  test('up again changes nothing, and other settings are refused', async () => {
    await Promise.all([1, 2, 3].map(runsOn));
    const whatIs = async (): Promise<unknown> => {
      const listed = (await testbed.docker(1).listNodes()) as readonly { readonly ID: string }[];
      const { nodes } = await testbed.status();
      return [listed.map(({ ID }) => ID).toSorted(), nodes.map(({ containers }) => containers)];
    };
    const before = await whatIs();
    assert.match(testbedCommand(name, 'up', '3'), /3 +worker +10\.77\.\d+\.13 +up +up +0\.4 /);
    assert.deepEqual(await whatIs(), before);
    const names = testbedNames(name);
    await assert.rejects(raiseTestbed(names, { cpus: 2 }, []), /is there with cpus 0\.4, 2 was asked for/);
    await assert.rejects(raiseTestbed(names, { nodes: 2 }, []), /has 3 nodes, 2 were asked for/);
  });

  test('a node without power is down, its engine and containers gone; with power it is itself again', async () => {
    const identity = async (): Promise<string> =>
      ((await testbed.docker(2).info()) as { readonly Swarm: { readonly NodeID: string } }).Swarm.NodeID;
    const known = await identity();
    await testbed.kill(2);
    assert.equal(await answers(testbed.node(2).socketPath), false);
    assert.deepEqual(
      listProcesses().filter(({ command }) => command.includes(testbed.node(2).folder)),
      [],
    );
    await sees(2, { power: 'off', swarm: 'down', containers: null });
    await testbed.start(2);
    await sees(2, { power: 'up', swarm: 'ready', link: 'up' });
    assert.equal(await identity(), known);
    await runsOn(2);
  });

  test('a frozen node keeps its connections and is down; thawed it is ready', async () => {
    await testbed.freeze(3);
    await sees(3, { power: 'frozen', swarm: 'down' });
    // Its socket still takes connections: nobody is there to answer.
    assert.equal(await answers(testbed.node(3).socketPath), false);
    await testbed.thaw(3);
    await sees(3, { power: 'up', swarm: 'ready' });
  });

  test('a node that is cut off is down and runs what it ran; healed it is ready', async () => {
    await runsOn(3);
    await testbed.partition(3);
    await sees(3, { power: 'up', link: 'cut', swarm: 'down' });
    await runsOn(3);
    await testbed.heal(3);
    await sees(3, { link: 'up', swarm: 'ready' });
  });

  test('a frozen node can lose its power, and its cable stays cut while it is off', async () => {
    await testbed.partition(2);
    await testbed.freeze(2);
    await testbed.kill(2);
    await sees(2, { power: 'off', link: 'cut' });
    // An engine that finds no manager says nothing for 20 s: it is healed before.
    const started = testbed.start(2);
    await sees(2, { power: 'up', link: 'cut' });
    await testbed.heal(2);
    await started;
    await sees(2, { link: 'up' });
  });

  test('the machine reaches a node that is plugged in, and so does a command in their network', async () => {
    const { address } = testbed.node(1);
    assert.equal(await connects(address), true);
    await testbed.partition(1);
    assert.equal(await connects(address), false);
    await testbed.heal(1);
    const [program = '', ...args] = testbed.lan;
    const seen = execFileSync(program, [...args, 'ip', '-brief', 'address'], { encoding: 'utf8' });
    assert.match(seen, /br0 +UP +10\.77\.\d+\.1\/24/);
    assert.doesNotMatch(seen, /docker/);
  });

  test('down leaves nothing: no process, namespace, mount, control group or folder, also with a node frozen', async () => {
    await testbed.freeze(3);
    assert.ok(tracesOf(name).length > 10, 'it can be found while it is there');
    testbedCommand(name, 'down');
    assert.deepEqual(tracesOf(name), []);
    await testbed[Symbol.asyncDispose](); // once more, when there is nothing
  });
});

describe('a testbed whose opener is killed', { ...engineSkip, timeout: 120_000 }, () => {
  /** Starts one and kills its opener once something is true. */
  async function breakOff(name: string, when: () => boolean): Promise<void> {
    const script = new URL('broken-off.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [script, name], { stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = once(child, 'exit');
    await until('it is as far', () => (when() ? true : undefined), deadlineMs);
    child.kill('SIGKILL');
    await ended;
  }

  test('half-way up: down takes away what there is, and the next to open one does so by itself', async () => {
    const [first, second] = [uniqueName(), uniqueName()];
    const begun = (name: string): boolean => existsSync(`${testbedNames(name).node(1).folder}/dockerd.log`);
    // One after the other: whoever opens the second would take away what is left of the first.
    await breakOff(first, () => begun(first));
    assert.ok(tracesOf(first).length > 0);
    await takeDown(testbedNames(first));
    assert.deepEqual(tracesOf(first), []);

    await breakOff(second, () => begun(second));
    assert.ok(tracesOf(second).length > 0);
    await using engine = await startEngine();
    assert.deepEqual(tracesOf(second), []);
    const { Swarm } = (await engine.docker.info()) as { readonly Swarm: { readonly LocalNodeState: string } };
    assert.equal(Swarm.LocalNodeState, 'active');
  });

  test('half-way up: up makes the rest of it', async () => {
    const names = testbedNames(uniqueName());
    await breakOff(names.name, () => existsSync(`/run/netns/${names.lan}`));
    await using testbed = await raiseTestbed(names, { nodes: 1 }, []);
    const { managed, nodes } = await testbed.status();
    assert.deepEqual([managed, nodes[0]?.power, nodes[0]?.swarm], [true, 'up', 'ready']);
    await testbed[Symbol.asyncDispose]();
    assert.deepEqual(tracesOf(names.name), []);
  });
});
