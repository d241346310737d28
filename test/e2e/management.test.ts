/** Loading and unloading models through the inference port: the gateway passes it on to control, which does it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addsub, doubler, unknownOperator } from '../fixtures/models.ts';
import { ask, v2, type Answer } from '../support/ask.ts';
import { childPid } from '../support/processes.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';

describe('the model repository on the inference port', () => {
  let platform: Platform;
  const post = (path: string, body = ''): Promise<Answer> =>
    ask(`${platform.http}/v2/repository/${path}`, { method: 'POST', body });
  const infer = (model: string): Promise<Answer> =>
    ask(`${platform.http}/v2/models/${model}/infer`, {
      body: v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }),
    });

  before(async () => {
    platform = await startPlatform({
      models: {
        'kept/1/model.onnx': doubler(),
        'doubler/1/model.onnx': doubler(),
        'refused/1/model.onnx': unknownOperator(),
        'addsub/1/model.onnx': addsub(),
      },
      specification: {
        models: Object.fromEntries(
          ['kept', 'doubler', 'refused', 'addsub'].map((name) => [name, { path: `./models/${name}` }]),
        ),
        deployments: { kept: { model: 'kept' } },
        gateway: { workers: 2 },
      },
    });
    await platform.serving();
  });
  after(() => platform[Symbol.asyncDispose]());

  test('a loaded model answers from the moment that the load has, at every worker, and who asked is written down', async () => {
    assert.equal((await infer('doubler')).status, 404);
    assert.equal((await post('models/doubler/load')).status, 200);
    // A connection each: they fall to either worker.
    const answers = await Promise.all(Array.from({ length: 20 }, () => infer('doubler')));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    const { overrides } = await platform.status();
    assert.match(overrides.find(({ path }) => path === 'deployments.doubler')?.owner ?? '', /^rest .*127\.0\.0\.1$/);
  });

  test('an unloaded model is gone from the moment that the unload has answered, and can be loaded again', async () => {
    await post('models/doubler/load');
    assert.equal((await post('models/doubler/unload')).status, 200);
    const answers = await Promise.all(Array.from({ length: 20 }, () => infer('doubler')));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([404]));
    assert.equal((await post('models/doubler/unload')).status, 200, 'one that is not loaded stays so');
    assert.equal((await post('models/doubler/load')).status, 200);
    assert.equal((await infer('doubler')).status, 200);
  });

  test("a model that the runtime refuses is told in the runtime's own words", async () => {
    const answer = await post('models/refused/load');
    assert.equal(answer.status, 422);
    assert.match(String(answer.json()['error']), /^failed to load 'refused', .*NoSuchOperator/);
    assert.equal(answer.json()['code'], 'MODEL_LOAD_FAILED');
    await post('models/refused/unload');
  });

  test('a model that nobody has registered is not found', async () => {
    const answer = await post('models/wrong_model_name/load');
    assert.equal(answer.status, 404);
    assert.match(String(answer.json()['error']), /failed to load 'wrong_model_name'/);
    assert.equal((await post('models/wrong_model_name/unload')).status, 404);
  });

  test('a load that is under way when control is killed is answered by the next control', async () => {
    const before = childPid(platform, 'control');
    const loading = post('models/addsub/load');
    // Its replica is started after control has said that it will: from then on the gateway waits for the operation.
    await until('the load to have begun', async () => {
      const { deployments } = await platform.status();
      return deployments.some(({ name, replicas }) => name === 'addsub' && replicas.length > 0) || undefined;
    });
    process.kill(before, 'SIGKILL');
    assert.equal((await loading).status, 200);
    assert.equal((await infer('kept')).status, 200);
    assert.notEqual(childPid(platform, 'control'), before);
  });
});
