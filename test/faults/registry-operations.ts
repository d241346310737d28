/**
 * The operations that are killed half-way, drawn from a seed, and the ledger of what must be there afterwards: all that
 * was confirmed, and of the one that was not confirmed either all or nothing. Read from the disk, past the platform.
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/drivers/stores/sqlite.ts';
import { openArtefactStore } from '../../src/registry/artefacts.ts';
import { digestOfBytes } from '../../src/registry/digest.ts';
import { nextInt, type Rng } from '../../src/rng.ts';
import { multiplier } from '../fixtures/models.ts';

export type Operation =
  /** `models add`: labels, model.yaml and the file are uploaded, then made into a version. */
  | { readonly kind: 'add'; readonly factor: number }
  | { readonly kind: 'alias'; readonly alias: string; readonly version: number }
  | { readonly kind: 'deploy'; readonly name: string; readonly version: number };

export const model = 'times';
export const labelsOf = (factor: number): string => `one ${factor}\ntwo ${factor}\n`;
export const settings = 'output: { kind: classification, labels: labels.txt }\n';
export const fileOf = (factor: number): Uint8Array => multiplier(factor);

/** `versions` are numbers that are there. The first operation of an empty registry can only be an `add`. */
export function drawOperation(rng: Rng, versions: readonly number[], next: number): Operation {
  const kind = versions.length === 0 ? 0 : nextInt(rng, 3);
  const version = versions[nextInt(rng, Math.max(1, versions.length))] ?? 1;
  if (kind === 0) return { kind: 'add', factor: next };
  if (kind === 1) return { kind: 'alias', alias: `a${nextInt(rng, 4)}`, version };
  return { kind: 'deploy', name: `d${nextInt(rng, 3)}`, version };
}

export interface Ledger {
  /** Numbers of the versions that are there. */
  versions(): readonly number[];
  /** What was confirmed before the kill, and what had begun and was not. Says what became of the latter. */
  settle(done: readonly Operation[], pending: Operation | undefined): Promise<'there' | 'not there' | 'nothing'>;
}

export function openLedger(dataDirectory: string): Ledger {
  const factors = new Map<string, number>();
  const aliases = new Map<string, number>();
  const deployments = new Map<string, string>();
  let numbers: readonly number[] = [];

  return {
    versions: () => numbers,
    async settle(done, pending) {
      for (const operation of done) {
        if (operation.kind === 'add') factors.set(digestOfBytes(fileOf(operation.factor)), operation.factor);
        else if (operation.kind === 'alias') aliases.set(operation.alias, operation.version);
        else deployments.set(operation.name, `${model}:${operation.version}`);
      }
      // Opening checks every page of the database and removes what uploads left.
      await using store = openSqliteStore(join(dataDirectory, 'flyball.db'));
      const artefacts = await openArtefactStore(join(dataDirectory, 'artefacts'));
      assert.deepEqual(await readdir(join(dataDirectory, 'artefacts', 'tmp')), []);
      let became: 'there' | 'not there' | 'nothing' = pending === undefined ? 'nothing' : 'not there';

      const versions = await store.versions();
      const found = new Set(versions.map(({ file }) => file));
      for (const [file, factor] of factors) assert.ok(found.has(file), `the confirmed add of ${factor} is gone`);
      for (const { version, file = '', assets } of versions) {
        if (!factors.has(file)) {
          assert.ok(
            pending?.kind === 'add' && digestOfBytes(fileOf(pending.factor)) === file,
            `version ${version} is nobody's`,
          );
          factors.set(file, pending.factor);
          became = 'there';
        }
        await artefacts.verify(file);
        assert.equal(assets['labels.txt'], digestOfBytes(labelsOf(factors.get(file) ?? 0)));
        await artefacts.verify(assets['labels.txt'] ?? '');
      }
      for (const digest of await artefacts.list()) await artefacts.verify(digest);
      numbers = versions.map(({ version }) => version);
      assert.equal(new Set(numbers).size, numbers.length);

      const pointing = new Map((await store.aliases()).map(({ alias, version }) => [alias, version]));
      if (pending?.kind === 'alias' && pointing.get(pending.alias) === pending.version) {
        became = 'there';
        aliases.set(pending.alias, pending.version);
      }
      assert.deepEqual(pointing, new Map([...aliases].toSorted(([a], [b]) => (a < b ? -1 : 1))));
      for (const [alias, version] of aliases) {
        const [last] = (await store.aliasHistory(model, alias)).slice(-1);
        assert.equal(last?.to, version, `the history of ${alias} ends elsewhere`);
      }

      const records = new Map((await store.deployments()).map((record) => [record.name, record.specification.model]));
      if (pending?.kind === 'deploy' && records.get(pending.name) === `${model}:${pending.version}`) {
        became = 'there';
        deployments.set(pending.name, `${model}:${pending.version}`);
      }
      assert.deepEqual(records, new Map([...deployments].toSorted(([a], [b]) => (a < b ? -1 : 1))));
      // The change and the operation that follows it are both there, or neither is.
      const followed = new Set((await store.operations({ limit: 10_000 })).map(({ subject }) => subject));
      for (const name of deployments.keys()) assert.ok(followed.has(name), `no operation follows ${name}`);
      return became;
    },
  };
}
