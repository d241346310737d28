import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkModelFile, loadSpecification, parseModelFile, parseSpecification } from './load.ts';

const refused = (text: string): string => {
  let said = '';
  assert.throws(
    () => parseSpecification(text, 'flyball.yaml'),
    (error: Error & { code?: string }) => {
      said = error.message;
      return error.code === 'INVALID_SPECIFICATION';
    },
  );
  return said;
};

test('an empty specification has every default', () => {
  const { name, listeners, limits, deployments } = parseSpecification('# nothing yet\n', 'flyball.yaml');
  assert.equal(name, 'flyball');
  assert.deepEqual(listeners.http, { host: '127.0.0.1', port: 8000 });
  assert.equal(limits.bodyBytesMax, '64MiB');
  assert.deepEqual(deployments, {});
});

test('a specification is loaded from a file, with the folder that its paths are relative to', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fb-'));
  try {
    const path = join(folder, 'flyball.yaml');
    await writeFile(path, 'models: {digits: {path: digits}}\ndeployments: {digits: {model: digits}}\n');
    const loaded = await loadSpecification(path);
    assert.deepEqual([loaded.path, loaded.folder], [path, folder]);
    assert.equal(loaded.specification.deployments['digits']?.replicas.min, 1);
    await assert.rejects(loadSpecification(join(folder, 'none.yaml')), { code: 'NOT_FOUND', message: /no such file/ });
  } finally {
    await rm(folder, { recursive: true });
  }
});

const single: readonly (readonly [why: string, text: string, said: string])[] = [
  [
    'an unknown key',
    'deployments:\n  a:\n    model: a\n    replica: 3',
    '4:5: deployments.a.replica: unknown key; did you mean replicas?',
  ],
  ['a key like no other', 'gateway: {zzz: 1}', '1:11: gateway.zzz: unknown key; expected workers'],
  ['a key at the top', 'deployment: {}', '1:1: deployment: unknown key; did you mean deployments?'],
  ['a wrong type', 'gateway:\n  workers: two', '2:3: gateway.workers: expected a whole number from 1 to 64, got "two"'],
  [
    'a number out of range',
    'gateway: {workers: 65}',
    '1:11: gateway.workers: expected a whole number from 1 to 64, got 65',
  ],
  ['a fraction', 'gateway: {workers: 1.5}', '1:11: gateway.workers: expected a whole number from 1 to 64, got 1.5'],
  [
    'a value of a list',
    'models: {a: {generate: {architecture: resnet81}}}',
    '1:25: models.a.generate.architecture: expected mlp | mnist-cnn | resnet18 | densenet161, got "resnet81"; did you mean resnet18?',
  ],
  [
    'bytes without a unit that is known',
    'limits: {bodyBytesMax: 64MB}',
    '1:10: limits.bodyBytesMax: expected bytes, as a number or with a unit (B, KiB, MiB, GiB), got "64MB"',
  ],
  ['a missing key', 'deployments: {a: {}}', '1:15: deployments.a.model: is missing; expected text'],
  ['nothing where a mapping belongs', 'listeners:', '1:1: listeners: expected a mapping, got nothing'],
  [
    'a name with a slash',
    'models: {a/b: {path: x}}',
    '1:10: models.a/b: a name has 1 to 63 of a-z A-Z 0-9 . _ - and begins and ends with a letter or digit, got "a/b"',
  ],
  [
    'the one name that is a path of the protocol',
    'deployments: {stats: {model: a}}',
    '1:15: deployments.stats: this name is taken by the protocol (/v2/models/stats), got "stats"',
  ],
  [
    'bounds that cross',
    'deployments: {a: {model: a, replicas: {min: 3}}}',
    '1:29: deployments.a.replicas: replicas.min must not be above replicas.max',
  ],
  [
    'a model without a source',
    'models:\n  a: {}',
    '2:3: models.a: expected where the model comes from: path, package with path, generate, or server',
  ],
  [
    'a model with two sources',
    'models: {a: {path: x, generate: {architecture: mlp}}}',
    '1:23: models.a.generate: a model is generated or has a path, not both',
  ],
  [
    'a server beside another source',
    'models: {a: {path: x, server: {command: [x]}}}',
    '1:14: models.a.path: a server is the whole source of a model',
  ],
  [
    'a priority that is none',
    'deployments: {a: {model: a, queue: {priorityLevels: 1}}}',
    '1:29: deployments.a.queue.priorityDefault: expected at most priorityLevels, 1, got 2',
  ],
  [
    'two listeners on one port',
    'listeners: {grpc: {port: 8000}}',
    '1:20: listeners.grpc.port: 8000 is the port of http already',
  ],
];
for (const [why, text, said] of single) {
  test(`${why} is named with its place, what was expected and what came`, () => {
    assert.equal(refused(text), `flyball.yaml:${said}`);
  });
}

test('who forecasts is another deployment, which there is', () => {
  const text = (forecaster: string): string =>
    `models: {m: {path: m}}\ndeployments: {tides: {model: m}, digits: {model: m, scaling: {forecaster: ${forecaster}}}}\n`;
  parseSpecification(text('tides'), 'flyball.yaml');
  assert.match(refused(text('digits')), /scaling\.forecaster: expected another deployment than digits itself$/);
  assert.match(refused(text('tide')), /scaling\.forecaster: expected the name of a deployment, got "tide".*tides/);
});

test('who sets the headroom is another deployment, and the policy is one that has a headroom', () => {
  const text = (scaling: string): string =>
    `models: {m: {path: m}}\ndeployments: {net: {model: m}, digits: {model: m, scaling: {${scaling}}}}\n`;
  parseSpecification(text('policy: learned, setPoint: net'), 'flyball.yaml');
  assert.match(refused(text('setPoint: net')), /setPoint: only the policy learned has a headroom to be set, got slo$/);
  assert.match(refused(text('policy: learned, setPoint: digits')), /setPoint: expected another deployment than digits/);
});

test('every problem is listed, in the order of the file', () => {
  const lines = refused('gatewy: {}\nlimits:\n  jsonDepthMax: 0\nname: 7\n').split('\n');
  assert.equal(lines[0], 'flyball.yaml has 3 problems');
  assert.deepEqual(
    lines.slice(1).map((line) => line.trim().split(': ')[0]),
    ['flyball.yaml:1:1', 'flyball.yaml:3:3', 'flyball.yaml:4:1'],
  );
});

test('what is not YAML is named with its place', () => {
  assert.match(refused('a: [1\nb: 2'), /^flyball\.yaml:2:1: not YAML: /);
  assert.match(refused('name: a\nname: b'), /^flyball\.yaml:2:1: not YAML: .*unique/);
  assert.match(refused('name: *nobody'), /not YAML: .*nobody/);
  assert.match(refused('- a\n- b'), /^flyball\.yaml:1:1: expected a mapping, got a list/);
});

test('a text that expands without end is refused', () => {
  const levels = Array.from({ length: 9 }, (_, at) => `l${at + 1}: &l${at + 1} [${`*l${at},`.repeat(9)}]`);
  assert.match(refused(`l0: &l0 [x]\n${levels.join('\n')}`), /not YAML: Excessive alias count/);
  assert.match(refused(`name: ${'x'.repeat(5_000_000)}`), /expected at most 4194304 bytes/);
});

test('a key that JavaScript knows is a key like any other', () => {
  assert.match(refused('__proto__: {a: 1}'), /__proto__: unknown key/);
  assert.match(refused('limits: {constructor: 1}'), /constructor: unknown key/);
  assert.equal(({} as Record<string, unknown>)['a'], undefined);
});

test('anchors and merges save writing', () => {
  const { deployments } = parseSpecification(
    'deployments:\n  a: &a {model: a, replicas: {max: 2}}\n  b: {<<: *a, model: b}\n',
    'flyball.yaml',
  );
  assert.deepEqual(deployments['b']?.replicas, { min: 1, max: 2 });
});

test('model.yaml keeps what was written beside what it means', () => {
  const { settings, modelFile } = parseModelFile('pipeline: {channels: grey}\n', 'model.yaml');
  assert.deepEqual(settings, { pipeline: { channels: 'grey' } });
  assert.deepEqual([modelFile.pipeline?.layout, modelFile.platform], ['NCHW', 'onnxruntime_onnx']);
});

test('model.yaml is checked like the specification', () => {
  const said = (text: string): string => {
    try {
      parseModelFile(text, 'model.yaml');
      return 'nothing';
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.equal(said('pipelin: {}'), 'model.yaml:1:1: pipelin: unknown key; did you mean pipeline?');
  assert.equal(
    said('pipeline: {mean: [0.5, 0.5]}'),
    'model.yaml:1:12: pipeline.mean: expected 1 or 3 numbers for rgb, got 2',
  );
  assert.equal(said('pipeline: {std: [0]}'), 'model.yaml:1:12: pipeline.std: expected no 0, one divides by it');
  assert.match(
    said('output: {kind: clasification}'),
    /output\.kind: expected classification \| ctc, got "clasification"; did you mean classification\?/,
  );
  assert.match(said('platform: simulated'), /simulated: is missing/);
  assert.throws(
    () => checkModelFile({ platform: 'onx' } as never, 'model.yaml'),
    /platform: expected onnxruntime_onnx/,
  );
});
