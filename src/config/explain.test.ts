import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, keyFacts, keysOf } from './explain.ts';
import { findDrift } from './generate-docs.ts';
import { modelFile } from './model-file.ts';
import { specification } from './specification.ts';

const refused = (path: string, message: RegExp) =>
  assert.throws(() => explain(path), { code: 'INVALID_SPECIFICATION', message });

test('a key is told with its type, range, default and description', () => {
  assert.equal(
    explain('deployments.digits.queue.lengthMax'),
    [
      'deployments.<name>.queue.lengthMax',
      '  a whole number from 1 to 100000; default 1024',
      '  Requests waiting at most; one more is refused with 503.',
    ].join('\n'),
  );
  assert.match(
    explain('limits.bodyBytesMax'),
    /bytes, as a number or with a unit \(B, KiB, MiB, GiB\); default "64MiB"/,
  );
  assert.match(explain('deployments.a.model'), /text; required/);
  assert.match(explain('deployments.a.resources.spinning'), /auto \| on \| off; default "auto"/);
});

test('a mapping is told with the keys below it', () => {
  const told = explain('listeners.http');
  assert.match(told, /^ {2}host {2}text; default "127\.0\.0\.1"/m);
  assert.match(told, /^ {2}port {2}a whole number from 0 to 65535; default 8000/m);
  assert.match(explain(), /^ {2}deployments/m);
});

test('names may be given, left out, or written as in the docs', () => {
  const told = explain('deployments.digits.replicas.max');
  for (const path of ['deployments.replicas.max', 'deployments.<name>.replicas.max', 'deployments.NAME.replicas.max']) {
    assert.equal(explain(path), told);
  }
});

test('a key that is unlike any other may stand alone', () => {
  assert.equal(explain('lengthMax'), explain('deployments.a.queue.lengthMax'));
  assert.equal(explain('queue'), explain('deployments.a.queue'));
  assert.equal(explain('pipeline'), explain('model.yaml:pipeline'));
});

test('keys of model.yaml have a prefix', () => {
  assert.match(explain('model.yaml'), /^model\.yaml/);
  assert.equal(explain('model.yaml:pipeline.resize'), explain('model.yaml.pipeline.resize'));
  assert.match(explain('model.yaml:output.kind'), /classification \| ctc; required/);
  assert.match(explain('model.yaml:output.output'), /text; optional/);
  assert.match(explain('model.yaml:simulated.inputs.name'), /^model\.yaml:simulated\.inputs\.<n>\.name/);
});

test('a miss names the nearest keys', () => {
  refused('replicaz', /no key replicaz; did you mean replicas\?/);
  refused('deployments.digits.replica.max', /did you mean deployments\.<name>\.replicas\.max/);
  refused('port', /which of listeners\.http\.port, listeners\.grpc\.port/);
  refused('model.yaml:kind', /which of model\.yaml:pipeline\.kind, model\.yaml:output\.kind/);
  refused('model.yaml:pipelin', /did you mean model\.yaml:pipeline/);
  refused('qqqqq', /keys at the top: name, models, deployments/);
});

test('every key of both files can be explained', () => {
  for (const { path } of keysOf(specification)) assert.ok(explain(path).startsWith(path), path);
  for (const { path } of keysOf(modelFile)) {
    assert.ok(explain(`model.yaml:${path}`).startsWith(`model.yaml:${path}`), path);
  }
});

test('the generated documents are what the schema says', async () => {
  assert.deepEqual(await findDrift(), [], 'run npm run docs');
});

test('a misspelt key is answered with what it may be, and not with the part that is right', () => {
  refused('deployments.digits.queue.length', /did you mean deployments\.<name>\.queue\.lengthMax\?$/);
  refused('DEPLOYMENTS', /did you mean deployments\?$/);
});

test('programs get the same as values, with the keys just below', () => {
  const facts = keyFacts('deployments.digits.queue.lengthMax');
  assert.equal(facts.key, 'deployments.<name>.queue.lengthMax');
  assert.deepEqual([facts.default, facts.required, facts.keys], [1024, false, []]);
  assert.ok(keyFacts().keys.some(({ key }) => key === 'deployments'));
});
