import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeploymentView, ModelView } from '../../../../src/api/schemas.ts';
import { aliasesOf, differences, signedBy, tensorWords, usedBy, type Version } from './use.ts';

const version = (changes: Partial<Version> = {}): Version => ({
  version: 1,
  digest: 'sha256:aa',
  bytes: 10,
  createdAt: 0,
  platform: 'onnx',
  signature: { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }], outputs: [], batchable: true },
  labels: {},
  provenance: { source: 'upload', by: 'ada' },
  content: { settings: 'sha256:bb', assets: {} },
  signers: [],
  ...changes,
});

test('a deployment uses the model that its reference names, whatever alias it follows', () => {
  const all = ['digits@champion', 'digits', 'digits2@champion'].map(
    (model, index) => ({ name: `d${index}`, model }) as DeploymentView,
  );
  assert.deepEqual(
    usedBy('digits', all).map(({ name }) => name),
    ['d0', 'd1'],
  );
});

test('aliases are told beside their version', () => {
  const model: ModelView = { name: 'm', versions: [], aliases: { champion: 2, canary: 2, old: 1 } };
  assert.deepEqual(aliasesOf(model, 2), ['canary', 'champion']);
  assert.equal(tensorWords({ name: 'x', datatype: 'FP32', shape: [-1, 4] }), 'FP32 [any, 4]');
});

test('two versions differ in what is not the same, and in nothing else', () => {
  assert.deepEqual(differences(version(), version({ version: 2 })), []);
  assert.deepEqual(differences(version(), version({ bytes: 11, provenance: { source: 'upload', by: 'bo' } })), [
    { what: 'size', one: '10 bytes', other: '11 bytes' },
    { what: 'added by', one: 'ada', other: 'bo' },
  ]);
});

test('one signature that does not fit is more than those that do', () => {
  const [good, strange, bad] = [
    { name: 'ops', key: 'k1', valid: true },
    { key: 'k2', valid: true },
    { name: 'ops', key: 'k1', valid: false },
  ];
  assert.equal(signedBy(version()), 'unsigned');
  assert.equal(signedBy(version({ signers: [good, strange] })), 'trusted');
  assert.equal(signedBy(version({ signers: [strange] })), 'unknown');
  assert.equal(signedBy(version({ signers: [good, bad] })), 'invalid');
});
