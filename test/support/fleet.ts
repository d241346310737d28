/**
 * A platform whose replicas are tasks of a testbed's Swarm, in a process that is in the network of the nodes: what a test
 * sees of it, what the Swarm says of it, and how requests fare meanwhile.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import type { TestContext } from 'node:test';
import type { DeploymentView, JournalEntryView, OperationView } from '../../src/api/schemas.ts';
import type { Testbed } from '../../testbed/testbed.ts';
import { startPlatform, until, type Platform } from './platform.ts';
import { startLoad, type LoadReport } from './steady-load.ts';

const labels = { platform: 'io.flyball.platform', deployment: 'io.flyball.deployment' };

const tensor = (name: string) => [{ name, datatype: 'FP32', shape: [-1, 4] }];

/** The model.yaml of a version that only takes its time, or fails as told. */
export const simulatedVersion = (serviceMs: number, fault?: object): string =>
  JSON.stringify({
    platform: 'simulated',
    simulated: { inputs: tensor('x'), outputs: tensor('y'), serviceMs, ...(fault === undefined ? {} : { fault }) },
  });

export interface FleetTask {
  readonly id: string;
  readonly node: string;
  /** What its node has last said. */
  readonly state: string;
  /** What the managers want of it. */
  readonly wanted: string;
  readonly error: string | undefined;
}

export interface Fleet extends AsyncDisposable {
  readonly platform: Platform;
  deployment(name: string): Promise<DeploymentView>;
  /** Its service, as the Swarm has it. */
  services(deployment: string): Promise<readonly { readonly id: string; readonly replicas: number }[]>;
  /** Every task that the Swarm remembers of it. */
  tasks(deployment: string): Promise<readonly FleetTask[]>;
  journal(query: string): Promise<readonly JournalEntryView[]>;
  /** Asks control for a change and waits for its end. */
  change(method: 'PUT' | 'POST' | 'DELETE', path: string, body?: object, waits?: boolean): Promise<OperationView>;
  /** Exactly so many replicas are ready and nothing else is there, for control as for the Swarm. */
  settled(deployment: string, count: number): Promise<DeploymentView>;
  /** Requests all the while, from before `act` until 50 more have been answered after it; prints and returns how they fared. */
  underLoad(context: TestContext, model: string, act: (traffic: Traffic) => Promise<string>): Promise<LoadReport>;
}

export interface Traffic {
  /** From now on requests that wait long are those that somebody who is gone was given. */
  readonly mark: () => void;
  readonly passed: (count: number) => Promise<void>;
}

const input = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] });
const settleMs = 60_000;
/** Longer than any request takes whose replica answers. */
const waitedMs = 500;

const isOver = ({ state }: FleetTask): boolean =>
  ['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'].includes(state);

export async function startFleet(
  testbed: Testbed,
  files: {
    readonly models: Readonly<Record<string, Uint8Array | string>>;
    readonly specification: Readonly<Record<string, unknown>>;
  },
): Promise<Fleet> {
  const socket = testbed.node(1).socketPath;
  const lan = networkInterfaces()['br0']?.find(({ family }) => family === 'IPv4');
  assert.ok(lan !== undefined, 'this process is in the network of the nodes');
  const orchestrator = { kind: 'swarm', socket, door: { address: lan.address } };
  const platform = await startPlatform({ ...files, specification: { ...files.specification, orchestrator } });
  const docker = testbed.docker(1);
  const api = async <Answer>(path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`${platform.control}/api/v1${path}`, init);
    const text = await response.text();
    assert.ok(response.ok, `${init.method ?? 'GET'} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Answer;
  };

  const deployment: Fleet['deployment'] = (name) => api(`/deployments/${name}`);
  const services: Fleet['services'] = async (name) => {
    const found = await docker.listServices({ filters: { label: [`${labels.deployment}=${name}`] } });
    return found.map(({ ID, Spec }) => ({ id: ID, replicas: Spec?.Mode?.Replicated?.Replicas ?? 0 }));
  };
  const tasks: Fleet['tasks'] = async (name) => {
    const ids = await services(name);
    if (ids.length === 0) return [];
    const [nodes, found] = await Promise.all([
      docker.listNodes() as Promise<
        readonly { readonly ID: string; readonly Description: { readonly Hostname: string } }[]
      >,
      docker.listTasks({ filters: { service: ids.map(({ id }) => id) } }) as Promise<
        readonly {
          readonly ID: string;
          readonly NodeID?: string;
          readonly DesiredState: string;
          readonly Status: { readonly State: string; readonly Err?: string };
        }[]
      >,
    ]);
    return found.map(({ ID, NodeID, DesiredState, Status }) => ({
      id: ID,
      node: nodes.find((node) => node.ID === NodeID)?.Description.Hostname ?? '',
      state: Status.State,
      wanted: DesiredState,
      error: Status.Err,
    }));
  };

  return {
    platform,
    deployment,
    services,
    tasks,
    journal: (query) => api(`/journal?limit=1000&${query}`),
    async change(method, path, body, waits = true) {
      const content =
        body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      let last = await api<OperationView>(path, { method, ...content });
      if (!waits) return last;
      return until(
        `the end of ${method} ${path}`,
        async () => {
          last = await api<OperationView>(`/operations/${last.id}`);
          return last.state === 'running' ? undefined : last;
        },
        settleMs,
      ).catch(async (cause: unknown) => {
        const { deployments } = await platform.status();
        const told = deployments.map(({ name, state, reason = '' }) => `${name} is ${state} ${reason}`);
        const steps = last.steps.map(({ state, text }) => `${state} ${text}`);
        throw new Error(`${method} ${path} does not end:\n${[...steps, ...told].join('\n')}`, { cause });
      });
    },
    async settled(name, count) {
      let last = '';
      return until(
        `${count} replicas of ${name}`,
        async () => {
          const [seen, all] = await Promise.all([deployment(name), tasks(name)]);
          const running = all.filter((task) => !isOver(task) && task.wanted === 'running');
          const [serving, there] = [seen.counts.ready, seen.replicas.length];
          const named = running.filter(({ id }) => seen.replicas.some(({ where }) => where.includes(id)));
          last = `${serving} ready of ${there}; ${running.length} tasks wanted`;
          const isSettled = serving === count && there === count && running.length === count && named.length === count;
          return isSettled && running.every(({ state }) => state === 'running') ? seen : undefined;
        },
        settleMs,
      ).catch(async (cause: unknown) => {
        const entries = await api<readonly JournalEntryView[]>('/journal?limit=30&order=newest');
        const told = entries.map(({ at, action, reason }) => `${new Date(at).toISOString()} ${action}: ${reason}`);
        throw new Error(
          `expected ${count} replicas of ${name}, and no more; last: ${last}\n${told.toReversed().join('\n')}`,
          { cause },
        );
      });
    },
    async underLoad(context, model, act) {
      let markedAt = performance.now();
      await using traffic = startLoad({
        url: `${platform.http}/v2/models/${model}/infer`,
        method: 'POST',
        body: input,
        headers: { 'content-type': 'application/json' },
        callers: 4,
        thinkMs: 40,
      });
      await traffic.passed(50);
      const said = await act({
        mark: () => (markedAt = performance.now()),
        passed: (count) => traffic.passed(count),
      });
      await traffic.passed(50);
      const report = await traffic.stop();
      const late = report.slow.filter(({ ms, sentAt }) => ms >= waitedMs && sentAt > markedAt);
      const lastMs = late.length === 0 ? 0 : Math.max(...late.map(({ sentAt }) => sentAt - markedAt));
      context.diagnostic(
        `${said}; ${report.ok} answered, ${report.failures.length} failed, slowest ${report.slowestMs.toFixed(0)} ms; ` +
          `${late.length} waited longer than ${waitedMs} ms${late.length === 0 ? '' : `, the last of them sent ${lastMs.toFixed(0)} ms after the fault`}`,
      );
      return report;
    },
    async [Symbol.asyncDispose]() {
      await platform[Symbol.asyncDispose]();
    },
  };
}

/** The docker command at a node's engine, as a person would use it. */
export function dockerCommand(testbed: Testbed, node: number, ...args: readonly string[]): string {
  return execFileSync('docker', ['-H', `unix://${testbed.node(node).socketPath}`, ...args], { encoding: 'utf8' });
}
