/**
 * Why a replica does not come on a real Swarm: each cause made for real, and what the status says of it, how often it is
 * tried meanwhile, and that it comes by itself once the cause is gone. Causes are of one node each, so that all are there
 * at once: ports of node 1 are taken, node 2 lacks the image, node 3 has no disk, no memory and no room left.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setInterval as ticks } from 'node:timers/promises';
import { backOffFirstMs } from '../../../src/core/upkeep/failures.ts';
import { buildGraph, type GraphBuilder } from '../../../src/onnx/writer.ts';
import { namespaceFolder } from '../../../testbed/network.ts';
import { runCli } from '../../support/cli.ts';
import { onTestbed, rowsMs } from '../../support/fleet-rows.ts';
import { dockerCommand, startFleet, type Fleet } from '../../support/fleet.ts';
import { packageVersion } from '../../support/package-version.ts';
import { until } from '../../support/platform.ts';

const platform = 'reasons';
const image = `flyball:${packageVersion}`;
const kept = 'kept:1';
const volume = `${platform}-artefacts`;
const mebi = 1024 ** 2;
/** Starts that fail of each before the causes end. */
const startsMin = 2;
/** Of one start: the engine makes another in the place of one that has ended until its service is gone. */
const tasksMax = 10;
/** The waits between starts and a slow machine add up. */
const waitMs = 150_000;

const fp32 = (name: string) => [{ name, datatype: 'FP32', shape: [-1, 4] }];
const small = JSON.stringify({ platform: 'simulated', simulated: { inputs: fp32('x'), outputs: fp32('y') } });

/** A model that adds the least of many numbers, which are in its file, or are made when it is loaded. */
function adding(numbers: (graph: GraphBuilder) => string): Uint8Array {
  const graph = buildGraph('adding');
  const x = graph.input('x', 'FLOAT', ['n', 4]);
  const least = graph.node('ReduceMin', [numbers(graph)]);
  graph.node('Add', [x, least], { outputs: ['y'] });
  graph.output('y', 'FLOAT', ['n', 4]);
  return graph.encode();
}
const heavy = (count: number): Uint8Array =>
  adding((graph) => graph.constant('FLOAT', [count], new Float32Array(count)));
const greedy = (count: number): Uint8Array =>
  adding((graph) => graph.node('ConstantOfShape', [graph.constant('INT64', [1], new BigInt64Array([BigInt(count)]))]));

interface Cause {
  readonly settings: object;
  /** What is said: the engine's words, and the node or the setting that they are about. */
  readonly words: RegExp;
  /** Ends it. */
  readonly cure: () => unknown;
}

onTestbed(import.meta.url, 'why a replica does not come on a real Swarm', (testbed) => {
  describe('a cause that keeps a replica away', { timeout: rowsMs }, () => {
    const undo = new AsyncDisposableStack();
    let fleet: Fleet;
    let cores = 0;
    const docker = (number: number, ...words: readonly string[]): string => dockerCommand(testbed, number, ...words);
    const on = (number: number) => ({
      placement: { constraints: [`node.hostname==${testbed.node(number).hostname}`] },
    });

    before(async () => {
      ({ NCPU: cores } = (await testbed.docker(3).info()) as { readonly NCPU: number });
      const tmpfs = ['type=tmpfs', 'device=tmpfs', 'o=size=64m'].flatMap((option) => ['--opt', option]);
      docker(3, 'volume', 'create', ...tmpfs, volume);
      undo.defer(async () => {
        // The engine takes away ended containers when it comes to it.
        await until('the volume is free', () => {
          try {
            docker(3, 'volume', 'rm', '--force', volume);
            return true;
          } catch {
            return undefined;
          }
        });
      });
      const models = {
        'small/1/model.yaml': small,
        'heavy/1/model.onnx': heavy((40 * mebi) / 4),
        'greedy/1/model.onnx': greedy((320 * mebi) / 4),
      };
      const paths = ['small', 'heavy', 'greedy'].map((model) => [model, { path: `./models/${model}` }]);
      fleet = undo.use(
        await startFleet(testbed, {
          models,
          specification: {
            name: platform,
            models: Object.fromEntries(paths),
            deployments: { holder: { model: 'small', resources: { cpu: cores * 0.75 }, ...on(3) } },
          },
        }),
      );
      await fleet.settled('holder', 1);
    });
    after(() => undo.disposeAsync());

    const deploy = (deployment: string, settings: object) =>
      fleet.change('PUT', `/deployments/${deployment}`, { deployment: settings, by: 'test' }, false);

    /** Of the engine of node 1, those that it gives out first, and more of them than it looks through for one task. */
    async function takePorts(): Promise<ChildProcess> {
      const [first, count] = [32_768, 4000];
      const code = `
        let left = ${count};
        const done = () => (--left > 0 ? 0 : console.log('taken'));
        for (let port = ${first}; port < ${first + count}; port += 1)
          require('node:net').createServer().on('error', done).listen(port, '0.0.0.0', done);`;
      const namespace = `--net=${namespaceFolder}/${testbed.node(1).namespace}`;
      const child = spawn('nsenter', [namespace, process.execPath, '-e', code], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      undo.defer(() => void child.kill());
      await once(child.stdout, 'data');
      return child;
    }

    /** Another container of node 3 fills the disk that artefacts are kept on. */
    function fillDisk(): () => string {
      const [folder, node] = ['/var/lib/flyball', '/usr/local/bin/node'];
      const code = `require('fs').writeFileSync('${folder}/filler', Buffer.alloc(${40 * mebi})); setInterval(() => {}, 1e6)`;
      const mounted = ['--volume', `${volume}:${folder}`, '--entrypoint', node];
      docker(3, 'run', '--detach', '--name', 'filler', ...mounted, image, '-e', code);
      undo.defer(() => void docker(3, 'rm', '--force', 'filler'));
      return () => docker(3, 'exec', 'filler', node, '-e', `require('fs').rmSync('${folder}/filler')`);
    }

    function takeImage(): () => string {
      docker(2, 'tag', image, kept);
      docker(2, 'rmi', '--force', image);
      const back = (): string => docker(2, 'tag', kept, image);
      undo.defer(() => void back());
      return back;
    }

    /** By deployment: every task that was seen, until `signal`. */
    async function countTasks(signal: AbortSignal): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
      const seen = new Map<string, Set<string>>();
      for await (const _ of ticks(250)) {
        if (signal.aborted) break;
        const tasks = (await testbed.docker(1).listTasks({
          filters: { label: [`io.flyball.platform=${platform}`] },
        })) as readonly {
          readonly ID: string;
          readonly Spec: { readonly ContainerSpec: { readonly Labels: Readonly<Record<string, string>> } };
        }[];
        for (const { ID, Spec } of tasks) {
          const deployment = Spec.ContainerSpec.Labels['io.flyball.deployment'] ?? '';
          seen.set(deployment, (seen.get(deployment) ?? new Set()).add(ID));
        }
      }
      return seen;
    }

    /** When it was tried to start it, oldest first. */
    const starts = async (deployment: string): Promise<readonly number[]> =>
      (await fleet.journal(`subject=${deployment}`))
        .filter(({ action }) => action === 'start 1')
        .map(({ at }) => at)
        .toSorted((left, right) => left - right);

    test('the engine’s reason is in the status, it is tried ever more seldom, and comes when the cause is gone', async (t) => {
      const blocker = await takePorts();
      const causes: Readonly<Record<string, Cause>> = {
        portless: {
          settings: { model: 'small', ...on(1) },
          words: /address already in use on node1/,
          cure: () => blocker.kill(),
        },
        imageless: {
          settings: { model: 'small', ...on(2) },
          words: /its node refused it: No such image: flyball:\S+ on node2/,
          cure: takeImage(),
        },
        diskless: {
          settings: { model: 'heavy', ...on(3) },
          words: /on node3: the disk has no room for the artefact sha256:.*: ENOSPC: no space left on device/,
          cure: fillDisk(),
        },
        hungry: {
          settings: { model: 'greedy', resources: { memory: '160MiB' }, ...on(3) },
          words: /exit code 137: .* needs more than its limit of 160 MiB \(resources\.memory\) on node3/,
          cure: () => deploy('hungry', { model: 'greedy', resources: { memory: '1GiB' }, ...on(3) }),
        },
        roomless: {
          settings: { model: 'small', resources: { cpu: cores * 0.5 }, ...on(3) },
          words:
            /no node has room for it: node3 is full, [\d.]+ of \d+ cores free; node1 and node2 do not meet its constraints/,
          cure: () => fleet.change('DELETE', '/deployments/holder?by=test', undefined, false),
        },
        refused: {
          settings: { model: 'small', resources: { memory: '1MiB' } },
          words: /the Docker engine at \S+ refused: invalid memory value 1048576: Must be at least 4MiB/,
          cure: () => deploy('refused', { model: 'small', resources: { memory: '512MiB' } }),
        },
      };
      const names = Object.keys(causes);
      const counting = new AbortController();
      undo.defer(() => counting.abort());
      const counted = countTasks(counting.signal);
      for (const [deployment, { settings }] of Object.entries(causes)) await deploy(deployment, settings);
      await Promise.all(
        Object.entries(causes).map(([deployment, { words }]) =>
          until(
            `the reason of ${deployment}: ${words.source}`,
            async () => {
              const { state, reason = '' } = await fleet.deployment(deployment);
              if (state !== 'failed') return undefined;
              if (!words.test(reason)) throw new Error(reason);
              t.diagnostic(`${deployment}: ${reason}`);
              return true;
            },
            waitMs,
          ),
        ),
      );
      const { stdout, code } = await runCli(['status', '--data-dir', fleet.platform.dataDirectory]);
      for (const [deployment, { words }] of Object.entries(causes))
        assert.match(stdout, new RegExp(`^! ${deployment}: failed: .*${words.source}`, 'm'));
      assert.equal(code, 1);

      const tried = await until(
        'each to have been tried several times',
        async () => {
          const all = await Promise.all(names.map(starts));
          return all.every(({ length }) => length > startsMin) ? all : undefined;
        },
        waitMs,
      );
      counting.abort();
      const tasks = await counted;
      for (const [index, deployment] of names.entries()) {
        const times = tried[index] ?? [];
        const waits = times.slice(1).map((at, before) => at - (times[before] ?? 0));
        const made = tasks.get(deployment)?.size ?? 0;
        t.diagnostic(
          `${deployment}: tried ${times.length} times, ${waits.join(', ')} ms apart; the engine made ${made} tasks`,
        );
        for (const [failures, waited] of waits.entries())
          assert.ok(waited >= backOffFirstMs * 2 ** failures, deployment);
        assert.ok(made <= tasksMax * times.length, `${made} tasks of ${deployment}`);
      }

      const at = performance.now();
      for (const { cure } of Object.values(causes)) await cure();
      await Promise.all(
        names.map((deployment) =>
          until(
            `${deployment} to serve`,
            async () => {
              const { state, reason = '' } = await fleet.deployment(deployment);
              if (state !== 'serving') throw new Error(reason);
              return true;
            },
            waitMs,
          ),
        ),
      );
      t.diagnostic(`all serve ${((performance.now() - at) / 1000).toFixed(1)} s after the causes are gone`);
    });
  });
});
