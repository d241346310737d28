import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { deploymentSpecification } from '../config/specification.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { generateModel } from '../onnx/generate.ts';
import type { Store } from '../store/store.ts';
import { openArtefactStore, type ArtefactSource } from './artefacts.ts';
import { openRegistry } from './open-registry.ts';
import type { ModelFileInput, Registry, VersionOffer } from './registry.ts';
import { publicKeyText } from './signing-keys.ts';
import { signVersion } from './signing.ts';
import { contentOf, openTrust, type TrustSettings } from './trust.ts';

interface Place extends AsyncDisposable {
  readonly registry: Registry;
  readonly store: Store;
}

async function open(time = { now: 0 }, trust: TrustSettings = {}): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const path = await mkdtemp(join(tmpdir(), 'fb-'));
  stack.defer(() => rm(path, { recursive: true, force: true }));
  const store = stack.use(openSqliteStore(':memory:'));
  const artefacts = await openArtefactStore(path);
  const clock = { wall: () => 17, now: () => time.now };
  const registry = openRegistry({ store, artefacts, clock, unusedAfterMs: 1000, trust: openTrust(trust) });
  const held = stack.move();
  return { registry, store, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

const bytesOf = (bytes: Uint8Array | string): ArtefactSource => ({
  kind: 'stream',
  stream: (async function* () {
    yield Buffer.from(bytes);
  })(),
});
const onnx = (seed: number): Uint8Array => generateModel('mlp', seed);
const offer = (seed: number, more: Partial<VersionOffer> = {}): VersionOffer => ({
  file: bytesOf(onnx(seed)),
  provenance: { source: 'upload', by: 'ada' },
  ...more,
});

const simulated: ModelFileInput = {
  platform: 'simulated',
  simulated: {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
  },
};

test('a version has the signature of its file and the next number', async () => {
  await using place = await open();
  const { version, added } = await place.registry.addVersion('mlp', offer(1));
  assert.equal(added, true);
  assert.deepEqual([version.version, version.createdAt, version.bytes], [1, 17, onnx(1).byteLength]);
  assert.deepEqual(version.signature.inputs[0]?.name, 'input');
  assert.equal(version.signature.batchable, true);
  const files = await place.registry.files(version);
  assert.deepEqual(await readFile(files.path ?? ''), Buffer.from(onnx(1)));
  assert.equal((await place.registry.addVersion('mlp', offer(2))).version.version, 2);
  assert.equal((await place.registry.addVersion('mlp', offer(3, { version: 7 }))).version.version, 7);
  assert.equal((await place.registry.addVersion('mlp', offer(4))).version.version, 8);
});

test('the same content again is the version that has it', async () => {
  await using place = await open();
  const first = await place.registry.addVersion('mlp', offer(1));
  const again = await place.registry.addVersion('mlp', offer(1, { provenance: { source: 'copy', by: 'bob' } }));
  assert.deepEqual(again, { version: first.version, added: false });
  assert.deepEqual((await place.registry.addVersion('mlp', offer(1, { version: 1 }))).added, false);
  await assert.rejects(place.registry.addVersion('mlp', offer(1, { version: 2 })), { code: 'CONFLICT' });
});

test('a number never changes its content, and other settings are other content', async () => {
  await using place = await open();
  const { version } = await place.registry.addVersion('mlp', offer(1));
  const settings = { pipeline: { channels: 'grey' } } as const;
  await assert.rejects(place.registry.addVersion('mlp', offer(2, { version: 1 })), {
    code: 'CONFLICT',
    message: /never changes.*could become mlp:2/,
  });
  await assert.rejects(place.registry.addVersion('mlp', offer(1, { version: 1, modelFile: settings })), {
    code: 'CONFLICT',
  });
  const other = await place.registry.addVersion('mlp', offer(1, { modelFile: settings }));
  assert.equal(other.version.version, 2);
  assert.notEqual(other.version.digest, version.digest);
  assert.equal(other.version.file, version.file);
});

test('labels and samples come with the model file, and the labels are read', async () => {
  await using place = await open();
  const yaml = 'description: tiny\noutput: {kind: classification, labels: labels.txt}\nwarmUp: {samples: [s/a.bin]}\n';
  const artefact = await place.registry.artefacts.put(bytesOf(yaml));
  const assets = { 'labels.txt': bytesOf('no\r\nyes\n \n'), 's/a.bin': bytesOf('sample') };
  const { version } = await place.registry.addVersion(
    'mlp',
    offer(1, { modelFile: { kind: 'digest', digest: artefact.digest }, assets, labels: { team: 'lab' } }),
  );
  assert.deepEqual([version.description, version.labels], ['tiny', { team: 'lab' }]);
  const { output, samples } = await place.registry.files(version);
  assert.deepEqual(output?.labels, ['no', 'yes', ' ']);
  assert.equal(await readFile(samples[0] ?? '', 'utf8'), 'sample');
});

test('a model that cannot be read, or settings that cannot be met, leave nothing behind', async () => {
  await using place = await open();
  const { registry } = place;
  const refused = async (change: Partial<VersionOffer>, expected: object) => {
    await assert.rejects(registry.addVersion('mlp', offer(1, change)), expected);
    assert.deepEqual([await registry.list(), await registry.artefacts.list()], [[], []]);
  };
  await refused({ file: bytesOf('this is no model') }, { code: 'INVALID_MODEL' });
  const missing = { output: { kind: 'classification', labels: 'labels.txt' } } as const;
  await refused({ modelFile: missing }, { code: 'INVALID_SPECIFICATION', message: /labels\.txt.*did not come/ });
  const outside = { output: { kind: 'classification', labels: '../../etc/passwd' } } as const;
  await refused({ modelFile: outside }, { code: 'INVALID_SPECIFICATION', message: /leads elsewhere/ });
  await refused(
    { modelFile: { pipelin: {} } as never },
    { code: 'INVALID_SPECIFICATION', message: /did you mean pipeline/ },
  );
  await refused({ digest: `sha256:${'0'.repeat(64)}` }, { code: 'DIGEST_MISMATCH' });
  await refused({ fileDigest: `sha256:${'0'.repeat(64)}` }, { code: 'DIGEST_MISMATCH' });
  await refused({ version: 0 }, { code: 'INVALID_NAME' });
  await refused({ modelFile: simulated }, { code: 'INVALID_MODEL', message: /expected no file/ });
  await assert.rejects(registry.addVersion('../up', offer(1)), { code: 'INVALID_NAME' });
  await assert.rejects(registry.addVersion('mlp', { provenance: { source: 'x', by: 'y' } }), { code: 'INVALID_MODEL' });
});

test('a simulated model needs no file', async () => {
  await using place = await open();
  const { version } = await place.registry.addVersion('echo', {
    modelFile: simulated,
    provenance: { source: 'test', by: 'ada' },
  });
  assert.deepEqual([version.platform, version.bytes, version.file], ['simulated', 0, undefined]);
  assert.equal(version.signature.batchable, true);
  assert.deepEqual(await place.registry.files(version), { samples: [], serverFiles: {}, digests: {} });
});

test('a server is its settings and the files that its command needs; its signature may be left to it', async () => {
  await using place = await open();
  const { registry } = place;
  const provenance = { source: 'test', by: 'ada' };
  const server = { command: ['python3', 'server.py'], files: ['server.py'] };
  const add = (program: string, more: object = {}) =>
    registry.addVersion('mood', {
      modelFile: { platform: 'server', server: { ...server, ...more } },
      assets: { 'server.py': bytesOf(program) },
      provenance,
    });
  const { version } = await add('print(1)');
  assert.deepEqual([version.platform, version.bytes, version.file], ['server', 0, undefined]);
  assert.deepEqual(version.signature, { inputs: [], outputs: [], batchable: false });
  const { serverFiles } = await registry.files(version);
  assert.equal(await readFile(serverFiles['server.py'] ?? '', 'utf8'), 'print(1)');
  assert.equal((await add('print(1)')).added, false);
  assert.equal((await add('print(2)')).version.version, 2, 'another program is another version');
  const spec = [{ name: 'x', datatype: 'FP32', shape: [-1] }];
  const declared = (await add('print(1)', { inputs: spec, outputs: spec })).version;
  assert.deepEqual([declared.version, declared.signature.batchable], [3, true]);
  await assert.rejects(add('print(1)', { files: ['../server.py'] }), { code: 'INVALID_SPECIFICATION' });
});

test('a reference finds its version, or says what there is', async () => {
  await using place = await open();
  const { registry } = place;
  for (const seed of [1, 2]) await registry.addVersion('digits', offer(seed));
  await registry.setAlias('digits', 'champion', 1, 'ada');
  const numberOf = async (reference: string) => (await registry.resolve(reference)).version;
  assert.deepEqual(await Promise.all(['digits', 'digits:1', 'digits@champion'].map(numberOf)), [2, 1, 1]);
  await assert.rejects(registry.resolve('digit'), { code: 'MODEL_NOT_FOUND', message: /did you mean digits\?/ });
  await assert.rejects(registry.resolve('digits:3'), { code: 'VERSION_NOT_FOUND', message: /only 1, 2/ });
  await assert.rejects(registry.resolve('digits@best'), { code: 'ALIAS_NOT_FOUND', message: /it has champion/ });
  for (const reference of ['', 'a@b:1', 'a:x', 'a/b', '..']) {
    await assert.rejects(registry.resolve(reference), { code: 'INVALID_NAME' });
  }
});

test('an alias moves with its history and is held by the deployment that follows it', async () => {
  await using place = await open();
  const { registry, store } = place;
  for (const seed of [1, 2]) await registry.addVersion('digits', offer(seed));
  await registry.setAlias('digits', 'champion', 1, 'ada');
  await registry.setAlias('digits', 'champion', 2, 'bob');
  assert.deepEqual((await registry.show('digits')).aliases, { champion: 2 });
  assert.deepEqual(
    (await registry.aliasHistory('digits')).map(({ from, to, by }) => [from, to, by]),
    [
      [null, 1, 'ada'],
      [1, 2, 'bob'],
    ],
  );
  await store.putDeployment({
    name: 'reader',
    specification: deploymentSpecification.parse({ model: 'digits@champion' }),
    origin: { kind: 'specification' },
    desired: 1,
  });
  await assert.rejects(registry.removeAlias('digits', 'champion', 'ada'), { code: 'CONFLICT', message: /reader/ });
  await assert.rejects(registry.setAlias('digits', 'champion', 9, 'ada'), { code: 'VERSION_NOT_FOUND' });
  await assert.rejects(registry.setAlias('digits', 'a/b', 1, 'ada'), { code: 'INVALID_NAME' });
  await assert.rejects(registry.removeAlias('digits', 'none', 'ada'), { code: 'ALIAS_NOT_FOUND' });
  await store.removeDeployment('reader');
  await registry.removeAlias('digits', 'champion', 'ada');
  assert.deepEqual((await registry.show('digits')).aliases, {});
});

test('a version that is used stays; one that is removed takes the bytes that nobody else names', async () => {
  await using place = await open();
  const { registry, store } = place;
  const settings = { description: 'the same file, other settings' };
  await registry.addVersion('digits', offer(1));
  await registry.addVersion('digits', offer(1, { modelFile: settings }));
  await registry.addVersion('digits', offer(2));
  await registry.setAlias('digits', 'champion', 1, 'ada');
  await assert.rejects(registry.removeVersion('digits', 1), { code: 'CONFLICT', message: /the alias champion/ });
  await registry.removeAlias('digits', 'champion', 'ada');
  await store.putDeployment({
    name: 'reader',
    specification: deploymentSpecification.parse({ model: 'digits' }),
    origin: { kind: 'specification' },
    desired: 1,
  });
  await assert.rejects(registry.removeVersion('digits', 3), { code: 'CONFLICT', message: /the deployment reader/ });
  await assert.rejects(registry.removeModel('digits'), { code: 'CONFLICT' });
  await registry.removeVersion('digits', 1);
  assert.equal((await registry.artefacts.list()).length, 2);
  await registry.removeVersion('digits', 2);
  assert.equal((await registry.artefacts.list()).length, 1);
  await store.removeDeployment('reader');
  await registry.removeModel('digits');
  assert.deepEqual([await registry.list(), await registry.artefacts.list()], [[], []]);
  await assert.rejects(registry.removeModel('digits'), { code: 'MODEL_NOT_FOUND' });
});

test('what was uploaded and never used is swept after a while; what versions name stays, and so does what somebody asks for', async () => {
  const time = { now: 0 };
  await using place = await open(time);
  const { registry } = place;
  const { version } = await registry.addVersion('digits', offer(1));
  const [forgotten, wanted] = await Promise.all(
    ['forgotten', 'wanted'].map(async (text) => (await registry.artefacts.put(bytesOf(text))).digest),
  );
  assert.deepEqual(await registry.sweep(), []);
  time.now = 999;
  registry.touch(wanted ?? '');
  assert.deepEqual(await registry.sweep(), []);
  time.now = 1000;
  assert.deepEqual(await registry.sweep(), [forgotten]);
  assert.deepEqual(new Set(await registry.artefacts.list()), new Set([version.file, wanted]));
  await registry.removeModel('digits');
  assert.deepEqual(await registry.artefacts.list(), [wanted]);
});

test('nothing is swept while something is added that may turn out to be made of it', async () => {
  const time = { now: 0 };
  await using place = await open(time);
  const { registry } = place;
  const { digest } = await registry.artefacts.put(bytesOf(onnx(1)));
  await registry.sweep();
  time.now = 5000;
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const slow = {
    kind: 'stream',
    stream: (async function* () {
      reached.resolve();
      await goOn.promise;
      yield Buffer.from(onnx(1));
    })(),
  } as const;
  const adding = registry.addVersion('digits', offer(1, { file: slow }));
  await reached.promise;
  assert.deepEqual(await registry.sweep(), []);
  goOn.resolve();
  assert.equal((await adding).version.file, digest);
  assert.deepEqual(await registry.sweep(), []);
});

test('where signatures are required, only what a trusted key has signed is recorded; others may be added to it', async () => {
  const key = generateKeyPairSync('ed25519').privateKey;
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const trustedKeys = { lab: publicKeyText(key) };
  await using free = await open();
  const { version } = await free.registry.addVersion('digits', offer(1));
  const signatureBy = (by: KeyObject) => signVersion(contentOf(version), undefined, by);
  const other = (await free.registry.addVersion('digits', offer(2))).version;

  await using place = await open({ now: 0 }, { requireSignature: true, trustedKeys });
  const { registry, store } = place;
  await assert.rejects(registry.addVersion('digits', offer(1)), { code: 'SIGNATURE_REQUIRED' });
  await assert.rejects(registry.addVersion('digits', offer(1, { signatures: [signatureBy(stranger)] })), {
    code: 'SIGNATURE_UNTRUSTED',
  });
  await assert.rejects(
    registry.addVersion('digits', offer(1, { signatures: [signVersion(contentOf(other), undefined, key)] })),
    { code: 'SIGNATURE_INVALID' },
  );
  // Signed for one name, it is nothing under another.
  await assert.rejects(registry.addVersion('ocr', offer(1, { signatures: [signatureBy(key)] })), {
    code: 'SIGNATURE_INVALID',
  });
  assert.deepEqual(
    [await store.versions(), await registry.artefacts.list()],
    [[], []],
    'nothing is left of what was refused',
  );
  const signed = await registry.addVersion('digits', offer(1, { signatures: [signatureBy(key)] }));
  assert.equal(signed.added, true);
  await registry.addVersion('digits', offer(1, { signatures: [signatureBy(stranger)] }));
  const [view] = (await registry.show('digits')).versions;
  assert.deepEqual(
    view?.signers.map(({ name, valid }) => [name, valid]),
    [
      ['lab', true],
      [undefined, true],
    ],
  );
  await assert.rejects(registry.signVersion('digits', 1, [signVersion(contentOf(other), undefined, key)]), {
    code: 'SIGNATURE_INVALID',
  });
});

test('labels that a disk has altered are not read', async () => {
  await using place = await open();
  const { registry } = place;
  const modelFile = { output: { kind: 'classification', labels: 'labels.txt' } } as const;
  const { version } = await registry.addVersion(
    'digits',
    offer(1, { modelFile, assets: { 'labels.txt': bytesOf('a\nb') } }),
  );
  await writeFile(await registry.artefacts.path(version.assets['labels.txt'] ?? ''), 'b\na');
  await assert.rejects(registry.files(version), { code: 'DIGEST_MISMATCH' });
});

test('verify reads every byte again', async () => {
  await using place = await open();
  const { registry } = place;
  const { version } = await registry.addVersion('digits', offer(1));
  await registry.verify('digits', 1);
  await registry.artefacts.remove(version.file ?? '');
  await assert.rejects(registry.verify('digits', 1), { code: 'ARTEFACT_NOT_FOUND' });
});
