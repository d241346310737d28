/** What the image is made from: the Dockerfile as it is read here, the packages of production, the libraries below them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { imageOf, type ImageFacts } from '../../deploy/image/archive.ts';
import { parseDockerfile } from '../../deploy/image/dockerfile.ts';
import { packagesOf, type Lock } from '../../deploy/image/packages.ts';
import { librariesIn } from '../../deploy/image/system.ts';

const root = new URL('../../', import.meta.url);
const dockerfile = readFileSync(new URL('deploy/image/Dockerfile', root), 'utf8');
const given = { VERSION: '1.2.3', REVISION: 'abc' };

test('the Dockerfile says all that an orchestrator wants to know', () => {
  const { config, copies } = parseDockerfile(dockerfile, given);
  assert.equal(config.User, '65532:65532');
  assert.equal(config.StopSignal, 'SIGTERM');
  assert.equal(config.Labels['org.opencontainers.image.version'], '1.2.3');
  assert.equal(config.Labels['org.opencontainers.image.revision'], 'abc');
  assert.ok(config.Env.includes('ORT_DISABLE_TELEMETRY=1'));
  const { Test, Interval, Retries } = config.Healthcheck as { Test: string[]; Interval: number; Retries: number };
  assert.deepEqual(Test.slice(0, 2), ['CMD', '/usr/local/bin/node']);
  assert.deepEqual([Interval, Retries], [5e9, 3]);
  assert.deepEqual(
    copies.map(({ from, to, owner }) => [from, to, owner]),
    [
      ['system', '', 0],
      ['runtime', '', 0],
      ['application', '', 0],
      ['state', 'var/lib/flyball', 65532],
    ],
  );
});

test('what a daemon would do and this does not is an error, not an omission', () => {
  const parse = (text: string): unknown => parseDockerfile(text, {});
  assert.throws(() => parse('RUN make'), /no instruction that is known here: RUN make/);
  assert.throws(() => parse('FROM debian'), /expected FROM scratch/);
  assert.throws(() => parse('COPY --from=other a/ /'), /expected COPY/);
  assert.throws(() => parse('LABEL a=${NOBODY}'), /NOBODY is not declared/);
  assert.throws(() => parse('ENTRYPOINT node main.js'), SyntaxError);
});

test('packages of production are those that the dependencies lead to, nested ones where they lie', () => {
  const lock: Lock = {
    '': { dependencies: { a: '1', 'onnxruntime-node': '1' } },
    'node_modules/a': { dependencies: { b: '2' }, optionalDependencies: { c: '1', 'c-arm': '1', gone: '1' } },
    'node_modules/a/node_modules/b': { dependencies: { d: '1' } },
    'node_modules/b': {},
    'node_modules/c': { os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
    'node_modules/c-arm': { os: ['linux'], cpu: ['arm64'] },
    'node_modules/d': {},
    'node_modules/onnxruntime-node': { dependencies: { 'adm-zip': '1' } },
    'node_modules/adm-zip': {},
    'node_modules/for-development': {},
  };
  assert.deepEqual(packagesOf(lock, 'x64'), [
    'node_modules/a',
    'node_modules/a/node_modules/b',
    'node_modules/c',
    'node_modules/d',
    'node_modules/onnxruntime-node',
  ]);
  assert.throws(() => packagesOf({ '': { dependencies: { a: '1' } } }, 'x64'), /needs a, which is not there/);
});

test('the packages of this checkout hold what serves and nothing that only installs', () => {
  const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')) as { packages: Lock };
  const names = packagesOf(packages, 'x64');
  for (const name of Object.keys(packages['']?.dependencies ?? {}))
    assert.ok(names.includes(`node_modules/${name}`), name);
  assert.ok(names.includes('node_modules/@img/sharp-linux-x64'));
  for (const name of ['typescript', 'axios', 'tar', 'cmake-js', 'vite'])
    assert.ok(!names.includes(`node_modules/${name}`), name);
});

test('libraries are read from what ldd prints, the loader too, the kernel’s own page not', () => {
  const output = `\tlinux-vdso.so.1 (0x00007f)\n\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)\n\tlibgone.so => not found\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n`;
  assert.deepEqual(librariesIn(output), ['/lib/x86_64-linux-gnu/libm.so.6', '/lib64/ld-linux-x86-64.so.2']);
});

test('the same facts give the same image; its archive names what docker load and OCI tools look for', () => {
  const layer = { digest: 'a'.repeat(64), bytes: 1024, source: '/nowhere', createdBy: 'COPY a/ /' };
  const { config } = parseDockerfile(dockerfile, given);
  const facts: ImageFacts = { config, layers: [layer], architecture: 'amd64', created: '2026-01-01T00:00:00Z' };
  const image = imageOf(facts);
  assert.deepEqual([imageOf(facts).id, imageOf(facts).digest], [image.id, image.digest]);
  assert.notEqual(imageOf({ ...facts, created: '2026-01-02T00:00:00Z' }).id, image.id);
  const content = (path: string): unknown => {
    const entry = image.archive('registry.lab:5000/flyball:1.2.3').find((candidate) => candidate.path === path);
    assert.ok(entry?.content instanceof Uint8Array, path);
    return JSON.parse(Buffer.from(entry.content).toString());
  };
  const blob = (digest: string): string => `blobs/sha256/${digest.replace('sha256:', '')}`;
  assert.deepEqual(content('manifest.json'), [
    { Config: blob(image.id), RepoTags: ['registry.lab:5000/flyball:1.2.3'], Layers: [blob(layer.digest)] },
  ]);
  const { manifests } = content('index.json') as { manifests: { digest: string; annotations: object }[] };
  assert.equal(manifests[0]?.digest, image.digest);
  assert.equal(
    (manifests[0].annotations as Record<string, string>)['io.containerd.image.name'],
    'registry.lab:5000/flyball:1.2.3',
  );
  const { config: described } = content(blob(image.digest)) as { config: { digest: string } };
  assert.equal(described.digest, image.id);
});
