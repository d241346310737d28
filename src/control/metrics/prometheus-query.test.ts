/** A source of figures in every state that one can be in: what comes of it is a number or a reason, and never anything else. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { askPrometheus, toAnswer, type PrometheusAnswer } from './prometheus-query.ts';

type Answer = (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void;

async function serve(context: TestContext, answer: Answer): Promise<string> {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, response, Buffer.concat(chunks).toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ask = (url: string, more: { timeoutMs?: number; bearer?: { file: string } } = {}): Promise<PrometheusAnswer> =>
  askPrometheus({ url, query: 'sum(jobs)', timeoutMs: 5000, ...more }, new AbortController().signal);

const vector = (...values: readonly string[]): string =>
  JSON.stringify({
    status: 'success',
    data: { resultType: 'vector', result: values.map((value) => ({ metric: {}, value: [1, value] })) },
  });

test('a question is one POST with the query, below whatever path the address has', async (context) => {
  const seen: unknown[] = [];
  const url = await serve(context, (request, response, body) => {
    seen.push([request.method, request.url, Object.fromEntries(new URLSearchParams(body))]);
    response.end(vector('35'));
  });
  assert.deepEqual(await ask(`${url}/prometheus`), { kind: 'value', value: 35 });
  assert.deepEqual(seen, [['POST', '/prometheus/api/v1/query', { query: 'sum(jobs)', timeout: '5000ms' }]]);
});

test('whatever is no number is a reason in words', () => {
  const cases: readonly (readonly [number, string, RegExp])[] = [
    [200, vector(), /^no series matches the query$/],
    [200, vector('1', '2'), /^expected one number, got 2 series: aggregate them/],
    [200, vector('NaN'), /^expected a finite number, got NaN$/],
    [200, vector('+Inf'), /^expected a finite number, got \+Inf$/],
    [
      200,
      '{"status":"success","data":{"resultType":"matrix","result":[]}}',
      /^expected a vector or a scalar, got a matrix$/,
    ],
    [200, '{"status":"success","data":{"resultType":"vector","result":[{}]}}', /^its answer holds no sample$/],
    [200, '{"status":"success"}', /^its answer holds no result$/],
    [200, '<html>', /^its answer is not JSON$/],
    [502, '<html>', /^it answered 502$/],
    [
      400,
      '{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}',
      /^it answered 400: parse error/,
    ],
    [
      422,
      '{"status":"error","error":"query processing would load too many samples"}',
      /^it answered 422: query processing/,
    ],
  ];
  for (const [status, body, reason] of cases) {
    const answer = toAnswer(status, body);
    assert.ok(answer.kind === 'failed', body);
    assert.match(answer.reason, reason);
  }
  assert.deepEqual(toAnswer(200, '{"status":"success","data":{"resultType":"scalar","result":[1,"4.5"]}}'), {
    kind: 'value',
    value: 4.5,
  });
  fc.assert(
    fc.property(fc.constantFrom(200, 404, 500), fc.oneof(fc.string(), fc.json()), (status, body) => {
      const answer = toAnswer(status, body);
      if (answer.kind === 'value') assert.ok(Number.isFinite(answer.value));
      else assert.ok(answer.reason.length < 400);
    }),
  );
});

test('one that never answers, answers without an end, hangs up, or is not there costs its time and no more', async (context) => {
  const silent = await serve(context, () => {});
  assert.deepEqual(await ask(silent, { timeoutMs: 100 }), { kind: 'failed', reason: 'no answer within 100 ms' });
  const slow = await serve(context, (_request, response) => response.write('{'));
  assert.deepEqual(await ask(slow, { timeoutMs: 100 }), { kind: 'failed', reason: 'no answer within 100 ms' });
  let closed = false;
  const endless = await serve(context, (_request, response) => {
    response.on('close', () => (closed = true));
    const more = (): void => {
      while (!closed && response.write('x'.repeat(65_536)));
      if (!closed) response.once('drain', more);
    };
    more();
  });
  assert.deepEqual(await ask(endless), { kind: 'failed', reason: 'it answered more than 1048576 bytes' });
  const rude = await serve(context, (request) => request.socket.destroy());
  const hungUp = await ask(rude);
  assert.ok(hungUp.kind === 'failed');
  const nobody = await ask('http://127.0.0.1:1');
  assert.ok(nobody.kind === 'failed');
  assert.match(nobody.reason, /^it cannot be reached \(/);
});

test('a token is read anew for each question, sent to its address and no other, and never told', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-token-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'token');
  const bearer = { file };
  const seen: (string | undefined)[] = [];
  const url = await serve(context, (request, response) => {
    seen.push(request.headers.authorization);
    response.end(vector('1'));
  });
  const elsewhere = await serve(context, (_request, response) => response.writeHead(307, { location: url }).end());
  for (const token of ['first-secret\n', 'second-secret']) {
    writeFileSync(file, token);
    assert.equal((await ask(url, { bearer })).kind, 'value');
  }
  assert.deepEqual(seen.splice(0), ['Bearer first-secret', 'Bearer second-secret']);
  assert.equal((await ask(elsewhere, { bearer })).kind, 'failed');
  writeFileSync(file, 'two\nsecrets');
  const words = [await ask(url, { bearer }), await ask(url, { bearer: { file: join(folder, 'none') } })];
  assert.deepEqual(seen, [], 'nothing went out');
  for (const answer of words) assert.ok(answer.kind === 'failed' && !answer.reason.includes('secrets'));
});
