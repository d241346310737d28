/**
 * The console on the real API server with as much behind it as nobody has on a laptop: a thousand deployments, a million
 * entries. What is behind the API is made up, in the shape and the amount that was asked for, as the platform answers;
 * what is measured is the page and the way to it.
 */
import type { DeploymentView, JournalEntryView, StatusView } from '../../src/api/schemas.ts';
import { seriesColumns, type SeriesQueryView, type SeriesView } from '../../src/api/series-schemas.ts';
import { startApi } from '../../src/api/server.ts';
import type { ControlService } from '../../src/control/control-service.ts';
import { seededRng } from '../../src/rng.ts';
import { packageVersion } from './package-version.ts';

const limits = { bodyBytesMax: 1_000_000, headerBytesMax: 16_384, connectionsMax: 1000 };

export interface LargeConsole extends AsyncDisposable {
  readonly url: string;
}

export interface LargeOptions {
  readonly deployments: number;
  /** That are in the journal; pages of them are made when they are asked for. */
  readonly entries?: number;
  readonly seed?: number;
}

export async function startLargeConsole(options: LargeOptions): Promise<LargeConsole> {
  const { deployments: count, entries = 0, seed = 1 } = options;
  const rng = seededRng(seed);
  const startedAt = Date.now();
  const base = Array.from({ length: count }, (_, index) => deploymentNamed(`model-${String(index).padStart(4, '0')}`));
  const loads = base.map(() => 1 + rng.next() * 400);
  const status = (isShown: (name: string) => boolean = () => true): Promise<StatusView> => {
    const deployments = base.map((deployment, index) => {
      const perSecond = (loads[index] ?? 0) * (0.8 + 0.4 * rng.next());
      const load = { ...deployment.load, requestsPerSecond: perSecond, p99Ms: 20 + rng.next() * 40, ageMs: 200 };
      return Object.assign({}, deployment, { load });
    });
    return Promise.resolve({
      name: 'large',
      flyball: packageVersion,
      at: Date.now(),
      startedAt,
      dataDirectory: '/tmp',
      listeners: {},
      gateways: [],
      deployments: deployments.filter(({ name }) => isShown(name)),
      overrides: [],
      governor: { approvals: [] },
      warnings: [],
    });
  };
  const series = (name: string, query: SeriesQueryView): Promise<SeriesView> => {
    const to = query.to ?? Date.now();
    const from = query.from ?? to - 3_600_000;
    const stepMs = query.stepMs ?? Math.ceil((to - from) / 600 / 1000) * 1000;
    const firstAt = Math.floor(from / stepMs) * stepMs;
    const points = Math.ceil((to - firstAt) / stepMs);
    const wave = (scale: number): number[] =>
      Array.from({ length: points }, (_, index) => {
        const at = firstAt + index * stepMs;
        return scale * (1 + 0.5 * Math.sin(at / 300_000) + 0.2 * rng.next());
      });
    const columns = (query.columns ?? seriesColumns).map((column, index) => {
      const isCount = column === 'ready' || column === 'target' || column.startsWith('if');
      return [column, isCount ? wave(4).map(Math.round) : wave(10 + index * 5)] as const;
    });
    return Promise.resolve({
      deployment: name,
      from: firstAt,
      stepMs,
      recordedSince: startedAt,
      recordedMs: Array.from({ length: points }, () => stepMs),
      columns: Object.fromEntries(columns),
    });
  };
  const entryAt = (id: number): JournalEntryView => ({
    id,
    at: startedAt - (entries - id) * 1000,
    kind: 'decision',
    action: `${id % 4} → ${(id % 4) + 1}`,
    subject: base[id % count]?.name ?? 'platform',
    by: 'governor',
    reason: `made up, number ${id}`,
    hash: '0'.repeat(64),
    before: '0'.repeat(64),
  });
  const journal: ControlService['journal'] = async (filter, waitMs, signal) => {
    const {
      limit = 100,
      after = 0,
      before = entries + 1,
      newestFirst = false,
    } = filter as {
      readonly limit?: number;
      readonly after?: number;
      readonly before?: number;
      readonly newestFirst?: boolean;
    };
    if (after >= entries && waitMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      });
      return [];
    }
    const newest = Math.min(entries, before - 1);
    const length = Math.max(0, Math.min(limit, newest - after));
    return Array.from({ length }, (_, index) => entryAt(newestFirst ? newest - index : after + 1 + index));
  };
  const control = {
    status,
    series,
    journal,
    operations: () => Promise.resolve([]),
    notifications: () => Promise.resolve({ channels: [] }),
    why: (deployment: string) =>
      Promise.resolve({ deployment, governor: { mode: 'advise' }, desired: 1, min: 1, max: 4, ungoverned: 'made up' }),
    live: () => true,
    ready: () => true,
  } as unknown as ControlService;
  const listen = { kind: 'port', host: '127.0.0.1', port: 0 } as const;
  const server = await startApi({ control, version: packageVersion, limits, listen });
  return {
    url: `http://127.0.0.1:${server.address.port}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function deploymentNamed(name: string): DeploymentView {
  return {
    name,
    model: name,
    serving: '1',
    target: '1',
    state: 'serving',
    desired: 2,
    min: 1,
    max: 8,
    counts: { starting: 0, ready: 2, serving: 2, draining: 0, failed: 0 },
    replicas: [],
    load: {
      requestsPerSecond: 0,
      inFlight: 1,
      queueLength: 0,
      p50Ms: 12,
      p99Ms: 30,
      errorsPerSecond: 0,
      shedPerSecond: 0,
      batchSizeCap: null,
      ageMs: 200,
    },
    sloP99Ms: 50,
    sloAvailability: 0.99,
    governor: { mode: 'auto', modeBy: 'a test', modeReason: 'a test', policy: 'slo', target: 2 },
  };
}
