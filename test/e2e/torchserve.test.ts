/**
 * TorchServe's documents, followed with curl against a platform: register an archive, describe, scale, predict, make
 * another version the default, unregister. What its clients read is held to what those documents show.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { mkdtemp, rm } from 'node:fs/promises';
import { buildGraph, int, ints } from '../../src/onnx/writer.ts';
import { writeMar } from '../../src/testing/zip-writer.ts';
import { multiplier } from '../fixtures/models.ts';
import { runCli } from '../support/cli.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { findPython } from '../support/python.ts';

const run = promisify(execFile);

interface Answer {
  readonly status: number;
  readonly json: unknown;
}

/** curl as it stands in the documents, with the status behind the body. */
async function curl(...args: readonly string[]): Promise<Answer> {
  const { stdout } = await run('curl', ['-sS', '--max-time', '60', '-w', '\n%{http_code}', ...args], {
    maxBuffer: 2 ** 24,
  });
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), json: JSON.parse(stdout.slice(0, end)) as unknown };
}

/** Scores [batch, 2] = the means of the first and the last channel: an image classifier of one layer. */
function classifier(): Uint8Array {
  const graph = buildGraph('classifier');
  const input = graph.input('input', 'FLOAT', ['batch', 3, 224, 224]);
  const means = graph.node('ReduceMean', [input], { attributes: { axes: ints(2, 3), keepdims: int(0) } });
  const picked = graph.constant('INT64', [2], BigInt64Array.of(0n, 2n));
  graph.node('Gather', [means, picked], { outputs: ['output'], attributes: { axis: int(1) } });
  graph.output('output', 'FLOAT', ['batch', 2]);
  return graph.encode();
}

const archive = (version: string, factor: number, handler = 'base_handler'): Buffer =>
  writeMar({ modelName: 'twice', modelVersion: version, serializedFile: 'net.onnx', handler }, [
    { name: 'net.onnx', content: multiplier(factor) },
  ]);

describe('a platform with a model store, for clients of TorchServe', () => {
  let platform: Platform;
  let store: string;
  let folder: string;
  const at = (path: string): string => `${platform.management}${path}`;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fb-store-'));
    store = join(folder, 'store');
    mkdirSync(store);
    writeFileSync(join(store, 'twice.mar'), archive('1.0', 2));
    writeFileSync(join(store, 'thrice.mar'), archive('2.0', 3));
    writeFileSync(join(store, 'custom.mar'), archive('1.0', 2, 'mine.py'));
    writeFileSync(join(folder, 'outside.mar'), archive('9.0', 9));
    symlinkSync(join(folder, 'outside.mar'), join(store, 'link.mar'));
    const labels = JSON.stringify({ 0: ['n0', 'red'], 1: ['n1', 'blue'] });
    writeFileSync(
      join(store, 'colours.mar'),
      writeMar({ modelName: 'colours', modelVersion: '1.0', serializedFile: 'c.onnx', handler: 'image_classifier' }, [
        { name: 'c.onnx', content: classifier() },
        { name: 'index_to_name.json', content: labels },
      ]),
    );
    platform = await startPlatform({
      specification: {
        listeners: { management: { host: '127.0.0.1', port: 0 } },
        torchserve: { modelStore: store, metricNames: true },
      },
    });
    await until('the management listener', async () => ((await curl(at('/ping'))).status === 200 ? true : undefined));
  });
  after(async () => {
    await platform[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const predict = async (path: string): Promise<unknown> =>
    (await curl(`${platform.http}/predictions/${path}`, '-H', 'Content-Type: application/json', '-d', '[1,2,3,4]'))
      .json;

  test('the life of a model', async () => {
    assert.deepEqual(await curl('-X', 'POST', at('/models?url=twice.mar')), {
      status: 200,
      json: {
        status:
          'Model "twice" Version: 1.0 registered with 0 initial workers. Use scale workers API to add workers for the model.',
      },
    });
    const [idle] = (await curl(at('/models/twice'))).json as { workers: unknown[]; minWorkers: number }[];
    assert.deepEqual([idle?.workers, idle?.minWorkers], [[], 0]);

    assert.deepEqual(await curl('-X', 'PUT', at('/models/twice?min_worker=2&synchronous=true')), {
      status: 200,
      json: { status: 'Workers scaled to 2 for model: twice' },
    });
    const [described] = (await curl(at('/models/twice'))).json as Record<string, unknown>[];
    const workers = described?.['workers'] as Record<string, unknown>[];
    assert.deepEqual(
      { ...described, workers: workers.map(({ status, gpu }) => ({ status, gpu })) },
      {
        modelName: 'twice',
        modelVersion: '1.0',
        modelUrl: 'twice.mar',
        engine: 'ONNX Runtime',
        runtime: 'onnxruntime',
        minWorkers: 2,
        maxWorkers: 2,
        batchSize: described?.['batchSize'],
        maxBatchDelay: 0,
        loadedAtStartup: false,
        workers: [
          { status: 'READY', gpu: false },
          { status: 'READY', gpu: false },
        ],
        jobQueueStatus: { remainingCapacity: 1024, pendingRequests: 0 },
      },
    );
    for (const worker of workers) {
      assert.match(String(worker['startTime']), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      assert.ok(Number(worker['pid']) > 1, 'a process');
    }
    assert.deepEqual(await predict('twice'), { y: [[2, 4, 6, 8]] });
    assert.deepEqual(await predict('twice/1.0'), { y: [[2, 4, 6, 8]] });

    const again = await curl('-X', 'POST', at('/models?url=twice.mar'));
    assert.deepEqual([again.status, (again.json as { type: string }).type], [409, 'ConflictStatusException']);

    // A second version beside the first; each answers under its own name.
    const second = await curl('-X', 'POST', at('/models?url=thrice.mar&initial_workers=1&synchronous=true'));
    assert.deepEqual(second.json, { status: 'Model "twice" Version: 2.0 registered with 1 initial workers' });
    await until('the second version to answer', async () =>
      (await curl(`${platform.http}/v2/models/twice-v2/ready`)).status === 200 ? true : undefined,
    );
    assert.deepEqual(
      [await predict('twice'), await predict('twice/2.0')],
      [{ y: [[2, 4, 6, 8]] }, { y: [[3, 6, 9, 12]] }],
    );
    const all = (await curl(at('/models/twice/all'))).json as { modelVersion: string }[];
    assert.deepEqual(
      all.map(({ modelVersion }) => modelVersion),
      ['1.0', '2.0'],
    );
    assert.deepEqual((await curl(at('/models'))).json, { models: [{ modelName: 'twice', modelUrl: 'twice.mar' }] });

    assert.deepEqual(await curl('-X', 'PUT', at('/models/twice/2.0/set-default')), {
      status: 200,
      json: { status: 'Default vesion succsesfully updated for model "twice" to "2.0"' },
    });
    await until('the default to have moved', async () => {
      const answer = JSON.stringify(await predict('twice'));
      return answer === JSON.stringify({ y: [[3, 6, 9, 12]] }) ? true : undefined;
    });
    assert.deepEqual(await predict('twice/1.0'), { y: [[2, 4, 6, 8]] });

    const refused = await curl('-X', 'DELETE', at('/models/twice'));
    assert.deepEqual([refused.status, (refused.json as { type: string }).type], [400, 'BadRequestException']);
    const asynchronous = await curl('-X', 'PUT', at('/models/twice/2.0?min_worker=1'));
    assert.deepEqual(asynchronous, { status: 202, json: { status: 'Processing worker updates...' } });
    assert.deepEqual((await curl('-X', 'DELETE', at('/models/twice/1.0'))).json, {
      status: 'Model "twice" unregistered',
    });
    assert.deepEqual(await curl('-X', 'DELETE', at('/models/twice/2.0')), {
      status: 200,
      json: { status: 'Model "twice" unregistered' },
    });
    assert.deepEqual((await curl(at('/models'))).json, { models: [] });
    const gone = await curl(`${platform.http}/predictions/twice`, '-d', '[1,2,3,4]');
    assert.deepEqual([gone.status, (gone.json as { type: string }).type], [404, 'ModelNotFoundException']);
  });

  test('an image classifier answers labels with their probabilities, put, posted or as a form', async () => {
    const registered = await curl('-X', 'POST', at('/models?url=colours.mar&initial_workers=1&synchronous=true'));
    assert.equal(registered.status, 200, JSON.stringify(registered.json));
    const sharp = (await import('sharp')).default;
    const picture = join(folder, 'red.jpg');
    await sharp({ create: { width: 320, height: 300, channels: 3, background: { r: 250, g: 10, b: 10 } } })
      .jpeg()
      .toFile(picture);
    assert.ok(readFileSync(picture).byteLength > 0);
    const url = `${platform.http}/predictions/colours`;
    const answers = [
      await curl(url, '-T', picture),
      await curl(url, '-F', `data=@${picture}`),
      await curl(url, '--data-binary', `@${picture}`),
    ];
    for (const { status, json } of answers) {
      assert.equal(status, 200, JSON.stringify(json));
      const scores = json as Record<string, number>;
      assert.deepEqual(Object.keys(scores), ['red', 'blue']);
      assert.ok(Math.abs((scores['red'] ?? 0) + (scores['blue'] ?? 0) - 1) < 1e-6);
    }
    const metrics = await fetch(`${platform.metrics}/metrics?name[]=ts_inference_requests_total&name[]=Requests2XX`);
    const text = await metrics.text();
    assert.match(text, /^ts_inference_requests_total\{model_name="colours",model_version="1",hostname="[^"]+"\} 3$/m);
    assert.match(text, /^Requests2XX\{Level="Host",Hostname="[^"]+"\} \d+$/m);
    assert.doesNotMatch(text, /flyball_/);
    assert.equal((await curl('-X', 'DELETE', at('/models/colours'))).status, 200);
  });

  test('what cannot be is refused in TorchServe’s form, with the way out', async () => {
    const cases: readonly (readonly [args: readonly string[], status: number, type: string, message: RegExp])[] = [
      [['-X', 'POST', at('/models')], 400, 'BadRequestException', /^Parameter url is required\.$/],
      [['-X', 'POST', at('/models?url=none.mar')], 404, 'ModelNotFoundException', /Model not found at: none\.mar/],
      [
        ['-X', 'POST', at('/models?url=https://example.org/a.mar')],
        400,
        'BadRequestException',
        /nothing is downloaded/,
      ],
      [['-X', 'POST', at('/models?url=..%2Foutside.mar')], 400, 'BadRequestException', /without a folder/],
      [['-X', 'POST', at('/models?url=link.mar')], 400, 'BadRequestException', /links out of the model store/],
      [
        ['-X', 'POST', at('/models?url=custom.mar')],
        422,
        'InvalidModelException',
        /custom\.mar: expected the handler .* got "mine\.py", which is Python code/,
      ],
      [['-X', 'PUT', at('/models/nobody?min_worker=1')], 404, 'ModelNotFoundException', /Model not found: nobody/],
      [
        ['-X', 'PUT', at('/models/nobody?min_worker=3&max_worker=1')],
        400,
        'BadRequestException',
        /max_worker cannot be less/,
      ],
      [
        ['-X', 'PUT', at('/models/nobody?min_worker=many')],
        400,
        'BadRequestException',
        /min_worker: expected a whole number/,
      ],
      [[at('/nowhere')], 404, 'ResourceNotFoundException', /Requested resource is not found/],
      [['-X', 'PATCH', at('/models')], 405, 'MethodNotAllowedException', /expected GET or POST/],
      [[`${platform.http}/predictions/nobody`, '-d', '{}'], 404, 'ModelNotFoundException', /nobody/],
      [['-X', 'POST', `${platform.http}/explanations/nobody`], 501, 'NotImplementedException', /explanations/],
    ];
    for (const [args, status, type, message] of cases) {
      const answer = await curl(...args);
      const body = answer.json as { code: number; type: string; message: string };
      assert.deepEqual([answer.status, body.code, body.type], [status, status, type], args.join(' '));
      assert.match(body.message, message);
    }
  });

  test('a body in JSON, pages, and descriptions of both interfaces', async () => {
    const order = JSON.stringify({
      url: 'twice.mar',
      model_name: 'other',
      initial_workers: 1,
      synchronous: true,
      batch_size: 4,
      max_batch_delay: 5,
    });
    const registered = await curl(at('/models'), '-H', 'Content-Type: application/json', '-d', order);
    assert.deepEqual(registered.json, { status: 'Model "other" Version: 1.0 registered with 1 initial workers' });
    const [described] = (await curl(at('/models/other'))).json as Record<string, unknown>[];
    assert.deepEqual([described?.['batchSize'], described?.['maxBatchDelay']], [4, 5]);
    assert.equal((await curl('-X', 'POST', at('/models?url=twice.mar&model_name=second'))).status, 200);
    assert.deepEqual((await curl(at('/models?limit=1'))).json, {
      nextPageToken: '1',
      models: [{ modelName: 'other', modelUrl: 'twice.mar' }],
    });
    assert.deepEqual((await curl(at('/models?limit=1&next_page_token=1'))).json, {
      models: [{ modelName: 'second', modelUrl: 'twice.mar' }],
    });
    for (const url of [at('/'), `${platform.http}/`]) {
      const answer = await curl('-X', 'OPTIONS', url);
      assert.match((answer.json as { openapi: string }).openapi, /^3\./);
    }
  });

  test('an archive is added by the command line under its own name', async () => {
    const added = await runCli(['models', 'add', join(store, 'thrice.mar'), '--url', platform.control]);
    assert.equal(added.code, 0, added.stderr);
    assert.match(added.stdout, /^twice:2 /);
    const refused = await runCli(['models', 'add', 'x', join(store, 'custom.mar'), '--url', platform.control]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /pipeline and output in a model\.yaml/);
  });
});

const { path: python, skip } = findPython('torch-model-archiver');
test("an archive of TorchServe's own tool is read", { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fb-archiver-'));
  try {
    writeFileSync(join(folder, 'net.onnx'), multiplier(2));
    const args = [
      '--model-name',
      'twice',
      '--version',
      '1.0',
      '--serialized-file',
      join(folder, 'net.onnx'),
      '--handler',
      'image_classifier',
      '--export-path',
      folder,
    ];
    await run(join(dirname(python), 'torch-model-archiver'), args);
    const { readLocalModel } = await import('../../src/registry/model-folder.ts');
    const [version] = await readLocalModel(join(folder, 'twice.mar'));
    assert.deepEqual([version?.version, version?.settings.output?.kind], [1, 'classification']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
