/**
 * Control without its door, as a process to be killed: store, artefacts, registry and upkeep as `flyball up` has them,
 * with replicas that are none. Arguments: data directory, seed, first factor, versions that are there. Before and after
 * each operation it says so on standard output, at once.
 */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { deploymentSpecification } from '../../src/config/specification.ts';
import { startControl } from '../../src/control/control.ts';
import { openFileSeries } from '../../src/drivers/series/files.ts';
import { openSqliteStore } from '../../src/drivers/stores/sqlite.ts';
import { openArtefactStore } from '../../src/registry/artefacts.ts';
import { digestOfBytes } from '../../src/registry/digest.ts';
import { openRegistry } from '../../src/registry/open-registry.ts';
import { seededRng } from '../../src/rng.ts';
import { simulatedWorld } from '../../src/testing/simulated-orchestrator.ts';
import { drawOperation, fileOf, labelsOf, model, settings, type Operation } from './registry-operations.ts';
import { openNotifier } from '../../src/drivers/notifiers/open.ts';

// Node writes what it has compiled at the end of a process, and this one never comes to its end.
flushCompileCache();

const [dataDirectory = '', seed = '0', first = '1', there = '[]'] = process.argv.slice(2);
const say = (word: 'begin' | 'done', operation: Operation): void => {
  writeSync(1, `${JSON.stringify({ word, operation })}\n`);
};

const store = openSqliteStore(join(dataDirectory, 'flyball.db'));
const artefacts = await openArtefactStore(join(dataDirectory, 'artefacts'));
const registry = openRegistry({ store, artefacts, clock: systemClock });
const run = join(dataDirectory, 'run');
const { service } = await startControl({
  store,
  registry,
  seriesLog: openFileSeries(join(dataDirectory, 'series')),
  orchestrator: await simulatedWorld(run, () => ({ readyAfterMs: 1 })).open(),
  clock: systemClock,
  cores: 2,
  node: { name: 'node', read: (_directory, at) => ({ at, cores: 2 }) },
  serverName: 'test',
  version: '0.0.0',
  startedAt: 0,
  dataDirectory,
  runDirectory: run,
  controlSocket: join(run, 'control.sock'),
  listeners: {},
  openNotifier,
  onShutdown: () => {},
});

/** In pieces, with turns between them, so that a kill finds it half-way. */
function inPieces(bytes: Uint8Array): Readable {
  return Readable.from(
    (async function* () {
      const size = Math.ceil(bytes.length / 4);
      for (let at = 0; at < bytes.length; at += size) {
        await turn();
        yield bytes.subarray(at, at + size);
      }
    })(),
  );
}

async function perform(operation: Operation): Promise<void> {
  const by = 'ada';
  const { signal } = new AbortController();
  if (operation.kind === 'alias') await service.setAlias(model, operation.alias, operation.version, by);
  else if (operation.kind === 'deploy') {
    const { model: wanted, p99Ms } = operation;
    const deployment = deploymentSpecification.parse({ model: wanted, slo: { p99Ms }, probationMs: 0 });
    await service.deploy(operation.name, { deployment, by });
  } else {
    const put = async (bytes: Uint8Array): Promise<string> => {
      const digest = digestOfBytes(bytes);
      await service.putArtefact(digest, inPieces(bytes), by, signal);
      return digest;
    };
    const labels = await put(Buffer.from(labelsOf(operation.factor)));
    const modelFile = await put(Buffer.from(settings));
    const upload = { name: operation.model, by, source: 'test', modelFile, assets: { 'labels.txt': labels } };
    await service.addVersion(upload, inPieces(fileOf(operation.factor)), signal);
  }
}

const rng = seededRng(Number(seed));
for (let next = Number(first); ;) {
  const known = (await store.versions()).map(({ version }) => version);
  const operation = drawOperation(rng, known.length === 0 ? (JSON.parse(there) as number[]) : known, next);
  if (operation.kind === 'add') next += 1;
  say('begin', operation);
  await perform(operation);
  say('done', operation);
}
