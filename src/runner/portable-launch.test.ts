import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { local, portable, type LaunchBody } from './portable-launch.ts';

const root = '/data/artefacts';
const hex = 'ab'.repeat(32);
const other = 'cd'.repeat(32);
const kept = (digits: string): string => `${root}/sha256/${digits.slice(0, 2)}/${digits}`;

const body: LaunchBody = {
  replica: 'digits',
  model: 'digits',
  version: '1',
  digest: 'sha256:f00',
  runtime: {
    kind: 'onnx',
    path: kept(hex),
    threads: 1,
    spinning: false,
    graphOptimisation: 'all',
    memoryArena: true,
  },
  digests: { [kept(other)]: `sha256:${other}` },
  warmUp: { batchSizes: [1], budgetMs: 0, samples: [kept(other), '/in/the/image.png'] },
};

test('files of the artefact store become artefacts, also where they are keys; files of the image stay', () => {
  const { body: carried, artefacts } = portable(body, root);
  assert.deepEqual(artefacts, [`sha256:${hex}`, `sha256:${other}`]);
  assert.ok(!JSON.stringify(carried).includes(root));
  assert.deepEqual(carried.warmUp.samples, [`artefact:sha256:${other}`, '/in/the/image.png']);
});

test('on the other machine they are files again', () => {
  const { body: carried } = portable(body, root);
  const there = local(carried, (digest) => `/cache/${digest.slice(7)}`);
  assert.equal(there.runtime.kind === 'onnx' && there.runtime.path, `/cache/${hex}`);
  assert.deepEqual(there.digests, { [`/cache/${other}`]: `sha256:${other}` });
});

test('what names no artefact comes back as it was', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const value = JSON.parse(text) as LaunchBody;
      fc.pre(!text.includes('artefact:'));
      assert.deepEqual(
        local(portable(value, root).body, () => 'nowhere'),
        value,
      );
    }),
  );
});
