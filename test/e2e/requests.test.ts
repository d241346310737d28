/** Single requests on the real platform: named by a trace in their answers, and found again with where their time went. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { playgroundBytesMax, playgroundProblem, playgroundView } from '../../src/api/playground-schemas.ts';
import type { RequestView, TraceView } from '../../src/api/request-schemas.ts';
import { ask, v2 } from '../support/ask.ts';
import { runCli } from '../support/cli.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';

const model = `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: 40
`;
const body = v2({ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] });
const traceId = '0af7651916cd43dd8448eb211c80319c';
const ownTrace = (): string => `00-${randomBytes(16).toString('hex')}-b7ad6b7169203331-01`;
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;

describe('requests that are remembered', () => {
  let platform: Platform;
  before(async () => {
    platform = await startPlatform({
      models: { 'slow/1/model.yaml': model, 'slow/model.yaml': model },
      specification: {
        models: { slow: { path: './models/slow' } },
        deployments: {
          slow: {
            model: 'slow',
            replicas: { min: 1, max: 3 },
            queue: { lengthMax: 4 },
            slo: { p99Ms: 5000 },
            scaling: { policy: 'kpa', parameters: { target: 1 } },
          },
        },
      },
    });
    await platform.serving();
  });
  after(() => platform[Symbol.asyncDispose]());
  const infer = (headers: Record<string, string> = {}) =>
    ask(`${platform.http}/v2/models/slow/infer`, { body, headers });
  const get = async <View>(path: string): Promise<View> => {
    const answer = await ask(`${platform.control}/api/v1/${path}`);
    assert.equal(answer.status, 200, answer.body.toString());
    return answer.json() as View;
  };

  test('the trace that an answer names is found, with queue, batch, replica and the decision in force', async () => {
    await until('a decision', async () => {
      await Promise.all([infer(), infer(), infer()]);
      return (await get<unknown[]>('journal?subject=slow&kind=decision')).length > 0 ? true : undefined;
    });
    const [first] = await Promise.all([infer({ traceparent }), infer(), infer()]);
    assert.equal(first.headers['x-trace-id'], traceId);
    const { requests } = await get<TraceView>(`requests/${traceId}`);
    const [request] = requests;
    assert.ok(request !== undefined);
    assert.deepEqual([request.deployment, request.status, request.protocol], ['slow', 'ok', 'rest']);
    assert.equal(request.parentId, 'b7ad6b7169203331');
    assert.ok((request.computeMs ?? 0) > 20, JSON.stringify(request));
    const { readMs = 0, queueMs, callMs = 0, totalMs } = request;
    assert.ok(readMs + queueMs + callMs <= totalMs + 1, JSON.stringify(request));
    assert.match(String(request.replica), /./);
    const decision = await get<{ readonly subject: string; readonly kind: string; readonly at: number }>(
      `journal/${request.decision}`,
    );
    assert.deepEqual([decision.subject, decision.kind], ['slow', 'decision']);
    assert.ok(decision.at <= request.at);
    const why = await get<{ readonly entry: number }>(`deployments/slow/why?at=${Math.floor(request.at)}`);
    assert.equal(why.entry, request.decision);
  });

  test('`flyball why --request` tells of both the request and the decision', async () => {
    const env = { FLYBALL_URL: platform.control };
    const { code, stdout } = await runCli(['why', 'slow', '--request', traceId], env);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`slow: request ${traceId}`));
    assert.match(stdout, /spent .*queue .*replica .*compute/);
    assert.match(stdout, /decision|proposed/);
    const { code: twice, stderr } = await runCli(['why', 'slow', '--request', traceId, '--at', '5m'], env);
    assert.deepEqual([twice, /--at/.test(stderr)], [2, true]);
  });

  test('those that shared a batch name one another; a refused one has its reason and no batch', async () => {
    const from = Date.now() - 1;
    const answers = await Promise.all(Array.from({ length: 12 }, () => infer({ traceparent: ownTrace() })));
    assert.ok(answers.some(({ status }) => status === 503));
    const found = await get<RequestView[]>(`deployments/slow/requests?from=${from}&to=${Date.now() + 1000}&limit=500`);
    const sorted = found.map(({ totalMs }) => totalMs);
    assert.deepEqual(
      sorted,
      sorted.toSorted((left, right) => right - left),
    );
    const together = found.filter(({ batch }) => (batch?.requests ?? 0) > 1);
    assert.ok(together.length >= 2, JSON.stringify(found));
    for (const { batch, traceId: own } of together) {
      assert.equal(batch?.mates.length, (batch?.requests ?? 0) - 1);
      assert.ok(!batch?.mates.includes(own));
      const mates = found.filter(({ batch: other }) => other?.id === batch?.id);
      for (const mate of mates) assert.ok(mate.traceId === own || batch?.mates.includes(mate.traceId));
    }
    const refused = found.find(({ status }) => status === 'QUEUE_FULL');
    assert.match(String(refused?.message), /queue.lengthMax/);
    assert.equal(refused?.batch, undefined);
  });

  test('through the control API an inference is answered with where its time went', async () => {
    const play = (name: string, sent: string | Buffer, headers: Record<string, string>) =>
      ask(`${platform.control}/api/v1/deployments/${name}/infer`, { body: sent, headers });
    const json = { 'content-type': 'application/json' };
    const answer = await play('slow', body, json);
    assert.equal(answer.status, 200, answer.body.toString());
    const view = playgroundView.parse(answer.json());
    assert.equal(view.status, 200);
    assert.equal((view.body as { readonly model_name: string }).model_name, 'slow');
    assert.ok((view.timing?.computeMs ?? 0) > 20 && view.timing?.batchRows === 1, JSON.stringify(view.timing));
    assert.equal(view.timing?.traceId, answer.headers['x-trace-id']);
    // Bytes and texts go as they are: the model's one input is four of them.
    const raw = await play('slow', Buffer.from(Float32Array.of(1).buffer), {
      'content-type': 'application/octet-stream',
    });
    assert.equal(raw.status, 200, raw.body.toString());

    const bad = await play('slow', v2({ name: 'z', datatype: 'FP32', shape: [1, 1], data: [1] }), json);
    const problem = playgroundProblem.parse(bad.json());
    assert.equal(bad.status, 400);
    assert.match(String(bad.headers['content-type']), /^application\/problem\+json/);
    assert.match(problem.detail, /z/);
    assert.equal((await play('slow', 'no json', json)).status, 400);
    const late = await play('slow', body, { ...json, 'flyball-deadline-ms': '5' });
    const { code, timing } = playgroundProblem.parse(late.json());
    assert.deepEqual([late.status, code], [504, 'DEADLINE_EXCEEDED']);
    assert.ok(timing !== null && timing.totalMs >= 0);
    assert.equal((await play('other', body, json)).status, 404);
    // Refused by its head; none of it is waited for.
    const head = { 'content-type': 'image/png', 'content-length': String(playgroundBytesMax + 1) };
    const large = await play('slow', 'x', head);
    assert.deepEqual([large.status, large.json()['code']], [413, 'TOO_LARGE']);
    // Its queue is the queue of everybody.
    const all = await Promise.all(Array.from({ length: 12 }, () => play('slow', body, json)));
    const refused = all.find(({ status }) => status === 503);
    assert.equal(refused?.json()['code'], 'QUEUE_FULL');
    assert.match(String(refused?.headers['retry-after']), /^\d+$/);
  });

  test('what is not remembered, and what is no trace id, is said so', async () => {
    const unknown = await ask(`${platform.control}/api/v1/requests/${'1'.repeat(32)}`);
    assert.deepEqual([unknown.status, unknown.json()['code']], [404, 'REQUEST_NOT_FOUND']);
    assert.equal((await ask(`${platform.control}/api/v1/requests/mine`)).status, 400);
    assert.equal((await ask(`${platform.control}/api/v1/deployments/other/requests`)).status, 404);
    assert.equal((await ask(`${platform.control}/api/v1/deployments/slow/requests?limit=0`)).status, 400);
  });
});
