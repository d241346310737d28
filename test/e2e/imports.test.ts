/** Models as other servers have them, given to the command line as they stand. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, v2 } from '../support/ask.ts';
import { runCli } from '../support/cli.ts';
import { startPlatform } from '../support/platform.ts';
import { doubler } from '../fixtures/models.ts';

const config = `name: "twice"
platform: "onnxruntime_onnx"
max_batch_size: 4
input [ { name: "x" data_type: TYPE_FP32 dims: [ 4 ] } ]
dynamic_batching { default_queue_policy { max_queue_size: 9 } }
instance_group [ { count: 2 kind: KIND_GPU } ]
`;

test('a Triton model folder is served as it stands, and what is not as in Triton is said by each verb', async () => {
  await using platform = await startPlatform({
    models: { 'twice/config.pbtxt': config, 'twice/1/model.onnx': doubler() },
    specification: {
      models: { twice: { path: './models/twice' } },
      deployments: { twice: { model: 'twice', replicas: { max: 3 } } },
    },
  });
  const { deployments } = await platform.serving();
  assert.deepEqual(
    deployments.map(({ min, max, counts }) => [min, max, counts.ready]),
    [[2, 3, 2]],
  );
  const note = /model twice: config\.pbtxt:6:\d+: instance_group\[0\]\.kind: replicas run on the CPU/;
  assert.match(platform.output().stderr, note);
  assert.match(platform.output().stderr, /deployment twice: replicas\.min 2, queue\.lengthMax 9 from its model/);
  const input = { name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] };
  const answer = await ask(`${platform.http}/v2/models/twice/infer`, { body: v2(input) });
  assert.equal(answer.status, 200, answer.body.toString());

  const folder = join(platform.folder, 'models', 'twice');
  const url = ['--url', platform.control];
  const added = await runCli(['models', 'add', 'again', folder, ...url]);
  assert.equal(added.code, 0, added.stderr);
  assert.match(added.stderr, /model again: config\.pbtxt:6:\d+: instance_group\[0\]\.kind: /);
  const planned = await runCli(['plan', platform.specificationPath, ...url]);
  assert.match(planned.stderr, note);
  assert.match(planned.stdout, /no changes/);
  const deployed = await runCli(['deploy', folder, '--name', 'third', '--min', '1', ...url]);
  assert.equal(deployed.code, 0, deployed.stderr);
  assert.match(deployed.stderr, /model third: config\.pbtxt:6:/);
  const third = (await platform.status()).deployments.find(({ name }) => name === 'third');
  assert.deepEqual([third?.min, third?.max], [1, 2]);
});
