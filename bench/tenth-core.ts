/**
 * ResNet-18 as the demonstration deploys it (a tenth of a core a replica, 1 to 12 of them, governed in `auto`), and load
 * on it by exact times, with what became of each request: for the benchmarks of the live loop.
 */
import os from 'node:os';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpecificationView, StatusView } from '../src/api/schemas.ts';
import { systemClock } from '../src/clock.ts';
import type { DeploymentLatency } from '../src/control/latency-models.ts';
import type { RoutingTable } from '../src/gateway/routing-table.ts';
import { openLoop } from '../src/load/generator.ts';
import { httpConnection } from '../src/load/http-connection.ts';
import type { LoadReport } from '../src/load/recorder.ts';
import { requestBytes } from '../src/load/target.ts';
import { generateModel } from '../src/onnx/generate.ts';
import { startPlatform, until, type Platform } from '../test/support/platform.ts';
import { v2BinaryBody } from './bodies.ts';

export const name = 'resnet18';
export const max = 12;

export function startTenthCore(options: {
  readonly prestarted: number;
  readonly policy?: string | undefined;
  readonly dataDirectory?: string;
}): Promise<Platform> {
  const { prestarted, policy, dataDirectory } = options;
  return startPlatform({
    models: { [`${name}/1/model.onnx`]: generateModel('resnet18', 1) },
    specification: {
      runners: { prestarted },
      models: { [name]: { path: `./models/${name}` } },
      deployments: {
        [name]: {
          model: name,
          replicas: { min: 1, max },
          resources: { cpu: 0.1 },
          scaling: {
            mode: 'auto',
            modeReason: 'a benchmark: its load is made up',
            ...(policy === undefined ? {} : { policy }),
          },
        },
      },
    },
    ...(dataDirectory === undefined ? {} : { dataDirectory }),
  });
}

export async function ask<Answer>(platform: Platform, path: string): Promise<Answer> {
  const response = await fetch(`${platform.control}/api/v1${path}`);
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Answer;
}

export const latencyOf = (platform: Platform): Promise<DeploymentLatency> =>
  ask(platform, `/deployments/${name}/latency-model`);

export const deploymentOf = (platform: Platform): Promise<StatusView['deployments'][number]> =>
  ask(platform, `/deployments/${name}`);

async function tell(platform: Platform, method: string, path: string, body: object): Promise<void> {
  const response = await fetch(`${platform.control}/api/v1/deployments/${name}${path === '' ? '' : `/${path}`}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, by: 'bench' }),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
}

export const setMode = (platform: Platform, mode: 'advise' | 'auto'): Promise<void> =>
  tell(platform, 'PUT', 'mode', { mode, reason: 'a benchmark' });

/** Another policy from now on, in `auto`; one that has seen nothing yet. */
export async function setPolicy(platform: Platform, policy: string): Promise<void> {
  const { resolved } = await ask<SpecificationView>(platform, '/specification');
  const deployment = resolved?.specification.deployments[name];
  if (deployment === undefined) throw new Error(`there is no deployment ${name}`);
  const scaling = { ...deployment.scaling, mode: 'auto', policy, parameters: {} };
  await tell(platform, 'PUT', '', { deployment: { ...deployment, scaling } });
}

/** By hand, all ready; the governor must be no more than advising. */
export async function scaleTo(platform: Platform, replicas: number): Promise<void> {
  await tell(platform, 'POST', 'scale', { replicas });
  await until(`${replicas} replicas`, async () => {
    const { replicas: all } = await deploymentOf(platform);
    return (all.length === replicas && all.every(({ state }) => state === 'ready')) || undefined;
  });
}

/** The node has the model as it has optimised it for itself: from then on starts are as quick as they will be. */
export function isPrepared({ dataDirectory }: Platform): boolean {
  const folder = join(dataDirectory, 'prepared');
  return existsSync(folder) && readdirSync(folder).some((file) => file.endsWith('.json'));
}

/** What gateways route to now: as fresh as the table that control leaves for them. */
export function routed({ dataDirectory }: Platform): number {
  const text = readFileSync(join(dataDirectory, 'run', 'routing-table.json'), 'utf8');
  const { deployments } = JSON.parse(text) as RoutingTable;
  return deployments.flatMap(({ versions }) =>
    versions.flatMap(({ replicas }) => replicas.filter(({ state }) => state === 'ready')),
  ).length;
}

export interface Sent {
  /** Milliseconds since the start of the load: when it was due, and when its answer was there. */
  readonly dueAt: number;
  readonly endedAt: number;
  readonly status: number;
}

export interface Loaded {
  /** Of the first moment of the load, on this process's monotonic clock. */
  readonly startedAt: number;
  readonly sent: readonly Sent[];
  readonly report: LoadReport;
}

const connections = 512;
const graceMs = 35_000;

/** One request at each of the times, milliseconds from now on. */
export async function loadAt(platform: Platform, times: readonly number[], durationMs: number): Promise<Loaded> {
  const url = new URL(platform.http);
  const { body, headerLength } = v2BinaryBody('input', [1, 3, 224, 224]);
  const bytes = requestBytes(url, {
    method: 'POST',
    path: `/v2/models/${name}/infer`,
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(headerLength) },
    body,
  });
  const free: ReturnType<typeof httpConnection>[] = [];
  const all: typeof free = [];
  const sent: Sent[] = [];
  let next = 0;
  const startedAt = performance.now();
  const report = await openLoop(
    {
      clock: systemClock,
      durationMs,
      graceMs,
      schedule: times[Symbol.iterator](),
      backlogMax: times.length,
      target: {
        slots: connections,
        async send() {
          // Requests leave in the order in which they are due.
          const dueAt = times[next] as number;
          next += 1;
          let connection = free.pop();
          if (connection === undefined) {
            connection = httpConnection({ host: url.hostname, port: Number(url.port) });
            all.push(connection);
          }
          let status = 0;
          try {
            ({ status } = await connection.exchange(bytes));
          } catch {
            // The connection is gone: no answer is an answer of 0.
          }
          free.push(connection);
          sent.push({ dueAt, endedAt: performance.now() - startedAt, status });
          return status === 200 ? { kind: 'ok' } : { kind: 'failed', code: `HTTP ${status}`, message: '' };
        },
        async [Symbol.asyncDispose]() {},
      },
    },
    new AbortController().signal,
  );
  for (const connection of all) connection.close();
  return { startedAt, sent, report };
}

/** The instrument must not be late because what it measures is busy. */
export function goFirst(): void {
  try {
    os.setPriority(os.constants.priority.PRIORITY_HIGHEST);
  } catch {
    process.stderr.write('no right to a higher priority for the load generator\n');
  }
}
