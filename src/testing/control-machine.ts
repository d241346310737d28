/** Control on a machine of the tests: a store on disk and simulated replicas that outlive it, so that it can be killed and started again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OperationView } from '../api/schemas.ts';
import { deploymentSpecification } from '../config/specification.ts';
import { systemClock } from '../clock.ts';
import type { Control } from '../control/control-options.ts';
import { startControl } from '../control/control.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { FlyballError } from '../errors.ts';
import { openArtefactStore } from '../registry/artefacts.ts';
import { openRegistry } from '../registry/open-registry.ts';
import type { Store } from '../store/store.ts';
import { openMemorySeries } from './memory-series.ts';
import { simulatedWorld } from './simulated-orchestrator.ts';
import { until } from './until.ts';
import { openNotifier } from '../drivers/notifiers/open.ts';

const signal = new AbortController().signal;

/** Versions 1 to 3 of the model `m` are there. */
export async function machine(readyAfterMs = 5) {
  const directory = await mkdtemp(join(tmpdir(), 'fb-'));
  const broken = new Set<string>();
  const disk = { full: false };
  const world = simulatedWorld(directory, (launch) =>
    broken.has(launch.version) ? { readyAfterMs, failWith: 'Op Foo is not registered' } : { readyAfterMs },
  );
  const controlSocket = join(directory, 'control.sock');
  const start = async (): Promise<Control & AsyncDisposable> => {
    const opened = openSqliteStore(join(directory, 'flyball.db'));
    const store: Store = {
      ...opened,
      setMeta: (key, value) =>
        disk.full
          ? Promise.reject(new FlyballError('DATA_DIR_UNUSABLE', 'the disk is full'))
          : opened.setMeta(key, value),
    };
    const artefacts = await openArtefactStore(join(directory, 'artefacts'));
    const registry = openRegistry({ store, artefacts, clock: systemClock });
    const orchestrator = await world.open();
    const control = await startControl({
      store,
      registry,
      seriesLog: openMemorySeries(),
      orchestrator,
      clock: systemClock,
      cores: 2,
      node: { name: 'node', read: (_directory, at) => ({ at, cores: 2 }) },
      serverName: 'test',
      version: '0.0.0',
      startedAt: 0,
      dataDirectory: directory,
      runDirectory: directory,
      controlSocket,
      listeners: {},
      openNotifier,
      onShutdown: () => {},
    });
    for (const version of [1, 2, 3]) {
      const modelFile = {
        platform: 'simulated' as const,
        description: `version ${version}`,
        simulated: {
          inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
          outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
          serviceMs: 0,
          serviceMsPerRow: 0,
        },
      };
      await registry.addVersion('m', { version, modelFile, provenance: { source: 'test', by: 'test' } });
    }
    return {
      ...control,
      async [Symbol.asyncDispose]() {
        await control[Symbol.asyncDispose]();
        await orchestrator[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  };
  return {
    world,
    broken,
    disk,
    start,
    controlSocket,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

export const deploymentOf = (model: string, min = 1, max = 4) =>
  deploymentSpecification.parse({ model, replicas: { min, max }, drainMs: 3000, probationMs: 100 });

export async function ended(control: Control, { id }: OperationView): Promise<OperationView> {
  return until('the end of the operation', async () => {
    const operation = await control.service.operation(id, 1_000_000, 1000, signal);
    return operation.state === 'running' ? undefined : operation;
  });
}
