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
  | { readonly kind: 'add'; readonly model: string; readonly factor: number }
  /** Of the model `times`. */
  | { readonly kind: 'alias'; readonly alias: string; readonly version: number }
  /** `p99Ms` tells one from another of the same model. */
  | { readonly kind: 'deploy'; readonly name: string; readonly model: string; readonly p99Ms: number };

export const model = 'times';
export const labelsOf = (factor: number): string => `one ${factor}\ntwo ${factor}\n`;
export const settings = 'output: { kind: classification, labels: labels.txt }\n';
export const fileOf = (factor: number): Uint8Array => multiplier(factor);

/** `versions` are numbers that are there. The first operation of an empty registry can only be an `add`. */
export function drawOperation(rng: Rng, versions: readonly number[], next: number): Operation {
  const kind = versions.length === 0 ? 0 : nextInt(rng, 3);
  const version = versions[nextInt(rng, Math.max(1, versions.length))] ?? 1;
  if (kind === 0) return { kind: 'add', model, factor: next };
  if (kind === 1) return { kind: 'alias', alias: `a${nextInt(rng, 4)}`, version };
  return { kind: 'deploy', name: `d${nextInt(rng, 3)}`, model: `${model}:${version}`, p99Ms: 1000 };
}

export interface Ledger {
  /** Numbers of the versions of `times` that are there. */
  versions(): readonly number[];
  /** What that version of the model multiplies by. */
  factorOf(name: string, version: number): number | undefined;
  aliases(): ReadonlyMap<string, number>;
  /**
   * What was confirmed before the kill, and what had begun and was not: of one chain each that comes after another.
   * Says how many of the latter are there.
   */
  settle(
    dataDirectory: string,
    done: readonly Operation[],
    pending: readonly (readonly Operation[])[],
  ): Promise<{ readonly there: number; readonly notThere: number }>;
}

export function openLedger(): Ledger {
  const factors = new Map<string, number>();
  const aliases = new Map<string, number>();
  const deployments = new Map<string, string>();
  const files = new Map<string, string>();
  const fileOfFactor = (factor: number): string => digestOfBytes(fileOf(factor));
  const wanted = (deployment: string, p99Ms: number | undefined): string => `${deployment} within ${p99Ms} ms`;

  function note(operation: Operation): void {
    if (operation.kind === 'add') factors.set(fileOfFactor(operation.factor), operation.factor);
    else if (operation.kind === 'alias') aliases.set(operation.alias, operation.version);
    else deployments.set(operation.name, wanted(operation.model, operation.p99Ms));
  }

  return {
    versions() {
      const own = [...files.keys()].filter((key) => key.startsWith(`${model}:`));
      return own.map((key) => Number(key.slice(model.length + 1)));
    },
    factorOf: (name, version) => factors.get(files.get(`${name}:${version}`) ?? ''),
    aliases: () => aliases,
    async settle(dataDirectory, done, pending) {
      done.forEach(note);
      // Opening checks every page of the database and removes what uploads left.
      await using store = openSqliteStore(join(dataDirectory, 'flyball.db'));
      const artefacts = await openArtefactStore(join(dataDirectory, 'artefacts'));
      assert.deepEqual(await readdir(join(dataDirectory, 'artefacts', 'tmp')), []);
      const versions = await store.versions();
      const found = new Map(versions.map((each) => [each.file ?? '', each.model]));
      const pointing = new Map((await store.aliases()).map(({ alias, version }) => [alias, version]));
      const records = new Map(
        (await store.deployments()).map(({ name, specification }) => [
          name,
          wanted(specification.model, specification.slo?.p99Ms),
        ]),
      );

      const isThere = (operation: Operation): boolean => {
        if (operation.kind === 'add') return found.get(fileOfFactor(operation.factor)) === operation.model;
        if (operation.kind === 'alias') return pointing.get(operation.alias) === operation.version;
        return records.get(operation.name) === wanted(operation.model, operation.p99Ms);
      };
      let there = 0;
      for (const chain of pending) {
        const made = chain.findIndex((operation) => !isThere(operation));
        const part = made === -1 ? chain : chain.slice(0, made);
        assert.ok(!chain.slice(part.length).some(isThere), `${JSON.stringify(chain)}: the later without the earlier`);
        part.forEach(note);
        there += part.length;
      }

      for (const [file, factor] of factors) assert.ok(found.has(file), `the confirmed add of ${factor} is gone`);
      files.clear();
      for (const { model: name, version, file = '', assets } of versions) {
        const key = `${name}:${version}`;
        assert.ok(factors.has(file), `${key} is nobody's`);
        assert.ok(!files.has(key), `${key} is there twice`);
        files.set(key, file);
        await artefacts.verify(file);
        assert.equal(assets['labels.txt'], digestOfBytes(labelsOf(factors.get(file) ?? 0)));
        await artefacts.verify(assets['labels.txt'] ?? '');
      }
      assert.equal(found.size, versions.length, 'no file is two versions');
      for (const digest of await artefacts.list()) await artefacts.verify(digest);

      assert.deepEqual(pointing, aliases);
      for (const [alias, version] of aliases) {
        const [last] = (await store.aliasHistory(model, alias)).slice(-1);
        assert.equal(last?.to, version, `the history of ${alias} ends elsewhere`);
      }
      assert.deepEqual(records, deployments);
      // The change and the operation that follows it are both there, or neither is.
      const followed = new Set((await store.operations({ limit: 10_000 })).map(({ subject }) => subject));
      for (const name of deployments.keys()) assert.ok(followed.has(name), `no operation follows ${name}`);
      return { there, notThere: pending.flat().length - there };
    },
  };
}
