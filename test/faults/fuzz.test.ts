/**
 * A hundred thousand requests that are nearly right, from a seed, against the real platform: right messages whose
 * structure, bytes and headers have been changed. Whatever comes, the answer is a result, a typed refusal or a closed
 * socket, never an INTERNAL; right requests in between get their right answers, and afterwards every process is the one
 * that it was, and no larger. It is long because three doors are knocked at in three languages, against one platform.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { catalogue, type ErrorCode } from '../../src/errors.ts';
import { httpConnection, type HttpConnection } from '../../src/load/http-connection.ts';
import { requestBytes } from '../../src/load/target.ts';
import { encodeInferRequest } from '../../src/protocol/grpc/infer-messages.ts';
import { goldenModels } from '../fixtures/models.ts';
import { describeFootprint, footprint, inspectable, type Footprint } from '../support/inspect.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import {
  change,
  changed,
  count,
  cut,
  damaged,
  header,
  names,
  path,
  right,
  toBinary,
  typedAddsub,
  type Cut,
  type Json,
} from './nearly-right.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_123);
/** As many times the hundred thousand; by hand: `FUZZ_SCALE=10`. */
const scale = Number(process.env['FUZZ_SCALE'] ?? 1);
/** Requests that are under way at the same time, over a few connections. */
const group = 250;
const connections = 16;
/** Right requests in each group. */
const rightEach = 4;
const answerMs = 30_000;
/** After as many requests of each door, nothing more should be allocated that stays. */
const warmUpRequests = 3000;
const heapGrowthMax = 8 * 2 ** 20;
const residentGrowthMax = 64 * 2 ** 20;

interface Outcome {
  /** `closed` where the socket ended without an answer. */
  readonly status: number | 'closed';
  readonly code: string | undefined;
  readonly text: string;
}

/** On TorchServe's paths `code` is its own, the status, and ours is `reason`. */
function codeIn(text: string): string {
  const { code, reason } = JSON.parse(text) as { code: string; reason?: string };
  return reason ?? code;
}

describe('the platform under nearly right requests', () => {
  let platform: Platform;
  let agent: http.Agent;
  let session: ClientHttp2Session;
  const pool: HttpConnection[] = [];
  const processes = new Map<number, string>();
  const footprints = new Map<number, { readonly what: string; readonly before: Footprint }>();
  /** Kinds of ending that were seen: a fuzz whose requests all die at the first check tries nothing. */
  const reached = new Set<string>();

  const post = (at: string, body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(platform.http);
      const sent = { 'content-length': body.byteLength, ...headers };
      const request = http.request({ hostname, port, path: at, method: 'POST', headers: sent, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const status = response.statusCode ?? 0;
          if (status === 200) return resolve({ status, code: undefined, text });
          try {
            resolve({ status, code: codeIn(text), text });
          } catch {
            reject(new Error(`${status} without a typed error: ${text}`));
          }
        });
      });
      request.setTimeout(answerMs, () => reject(new Error(`no answer within ${answerMs} ms`)));
      request.on('error', (error) => resolve({ status: 'closed', code: undefined, text: error.message }));
      request.end(body);
    });

  /** The same over few connections of our own, many times as fast; it reads no `100 Continue`. */
  const quickly = async (at: string, body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<Outcome> => {
    const connection = pool.pop();
    if (connection === undefined || 'expect' in headers) {
      if (connection !== undefined) pool.push(connection);
      return post(at, body, headers);
    }
    try {
      const bytes = requestBytes(new URL(platform.http), { method: 'POST', path: at, headers, body });
      const { status, text } = await connection.exchange(bytes);
      if (status === 200) return { status, code: undefined, text };
      return { status, code: codeIn(text), text };
    } catch (error) {
      if (error instanceof SyntaxError) throw error;
      return { status: 'closed', code: undefined, text: String(error) };
    } finally {
      pool.push(connection);
    }
  };

  const call = (frames: Buffer, headers: Readonly<Record<string, string>>): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/inference.GRPCInferenceService/ModelInfer',
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      });
      let ending: IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      stream.on('response', (each) => (ending = { ...ending, ...each }));
      stream.on('trailers', (each) => (ending = { ...ending, ...each }));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', () => {});
      stream.setTimeout(answerMs, () => reject(new Error(`no answer within ${answerMs} ms`)));
      stream.on('close', () => {
        const status = ending['grpc-status'];
        resolve({
          status: status === undefined ? 'closed' : Number(status),
          code: ending['flyball-code'] as string | undefined,
          text: `${String(ending['grpc-message'] ?? '')} ${Buffer.concat(chunks).toString('hex')}`,
        });
      });
      stream.end(frames);
    });

  const isRight = async (): Promise<void> => {
    const body = Buffer.from(JSON.stringify(right['addsub']));
    const rest = await post('/v2/models/addsub/infer', body, {});
    assert.equal(rest.status, 200, rest.text);
    const { outputs } = JSON.parse(rest.text) as { outputs: { data: number[] }[] };
    assert.deepEqual(
      outputs[0]?.data,
      count(16).map((value) => value * 2),
    );
    const grpc = await call(Buffer.concat(encodeInferRequest(typedAddsub)), {});
    assert.equal(grpc.status, 0, grpc.text);
    assert.ok(grpc.text.includes(Buffer.from(Int32Array.from(count(16), (value) => value * 2).buffer).toString('hex')));
  };

  /** Sends groups with right requests in their midst; what fails is named so that it can be sent again by itself. */
  const fuzz = async <Wish>(
    arbitrary: fc.Arbitrary<Wish>,
    send: (wish: Wish) => Promise<Outcome>,
    check: (outcome: Outcome) => void,
    requests: number,
  ): Promise<void> => {
    // In lanes, one after the other in each: a group is under way at once, but not all of it on a connection of its own.
    const inLane = async (wishes: readonly Wish[]): Promise<void> => {
      for (const wish of wishes) {
        const outcome = await send(wish);
        try {
          check(outcome);
        } catch (cause) {
          throw new Error(`seed ${seed}: ${JSON.stringify(wish)}`, { cause });
        }
        reached.add(outcome.code ?? String(outcome.status));
      }
    };
    for (let run = 0; run * group < requests; run += 1) {
      const wishes = fc.sample(arbitrary, { numRuns: group, seed: seed + run });
      const lanes = Array.from({ length: connections }, (_, lane) =>
        wishes.filter((__, index) => index % connections === lane),
      );
      const rights = Array.from({ length: rightEach }, isRight);
      await Promise.all([...lanes.map(inLane), ...rights]);
    }
  };

  const typedRest = (outcome: Outcome): void => {
    const { status, code, text } = outcome;
    if (status === 200 || status === 'closed') return;
    assert.ok(code !== undefined && Object.hasOwn(catalogue, code), `${status}: ${text}`);
    assert.equal(catalogue[code as ErrorCode].status, status, text);
    assert.ok(status < 500 || code === 'NOT_IMPLEMENTED', `${status}: ${text}`);
  };

  before(async () => {
    platform = await startPlatform({
      env: inspectable,
      models: Object.fromEntries(
        names.map((name) => [`${name}/1/model.onnx`, (goldenModels[name] as () => Uint8Array)()]),
      ),
      specification: {
        models: Object.fromEntries(names.map((name) => [name, { path: `./models/${name}` }])),
        deployments: Object.fromEntries(names.map((name) => [name, { model: name }])),
      },
    });
    const status = await platform.serving();
    for (const { pid } of status.gateways) processes.set(pid, 'gateway');
    for (const { name, replicas } of status.deployments)
      for (const { where } of replicas) processes.set(Number(/pid (\d+)/.exec(where)?.[1]), `runner of ${name}`);
    // Two of the doors share them.
    for (let count = 0; count < connections * 2; count += 1)
      pool.push(httpConnection({ host: '127.0.0.1', port: Number(new URL(platform.http).port) }));
    agent = new http.Agent({ keepAlive: true, maxSockets: group * 2 });
    session = http2.connect(platform.grpc);
    await once(session, 'connect');
  });
  after(async () => {
    agent.destroy();
    for (const connection of pool) connection.close();
    session.destroy();
    await platform[Symbol.asyncDispose]();
  });

  const changes = fc.array(change, { maxLength: 3 });
  const cuts = fc.oneof(
    { weight: 3, arbitrary: fc.constant<Cut[]>([]) },
    fc.array(cut, { minLength: 1, maxLength: 4 }),
  );
  const which = fc.constantFrom(...names);

  const json = (requests: number): Promise<void> => {
    return fuzz(
      fc.record({ which, changes, cuts, path, header }),
      (wish) => {
        const json = JSON.stringify(changed(right[wish.which] as Json, wish.changes));
        return quickly(wish.path, damaged(Buffer.from(json), wish.cuts), wish.header);
      },
      typedRest,
      requests,
    );
  };

  const binary = (requests: number): Promise<void> => {
    const off = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -20, max: 20 }));
    const numbers = fc.constantFrom('addsub', 'identity_fp32', 'identity_bool', 'identity_fp16');
    return fuzz(
      fc.record({ which: numbers, changes, cuts, path, off }),
      (wish) => {
        const { json, blobs } = toBinary(right[wish.which] as Json);
        const head = Buffer.from(JSON.stringify(changed(json, wish.changes)));
        const length = String(Math.max(head.byteLength + wish.off, 0));
        const body = damaged(Buffer.concat([head, blobs]), wish.cuts);
        return quickly(wish.path, body, { 'inference-header-content-length': length });
      },
      typedRest,
      requests,
    );
  };

  const grpc = (requests: number): Promise<void> => {
    const headers = fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      fc.constantFrom<Record<string, string>>(
        { 'grpc-timeout': '99999999H' },
        { 'grpc-timeout': '-1S' },
        { 'grpc-timeout': '123456789m' },
        { 'grpc-encoding': 'gzip' },
        { 'grpc-encoding': 'snappy' },
        { traceparent: '00', 'x-request-id': '%00' },
      ),
    );
    const frameErrors = new Set([8, 12, 13]); // too large, unknown coding or two messages, half a message: no request at all
    return fuzz(
      fc.record({ cuts, headers, lie: fc.boolean() }),
      (wish) => {
        const whole = Buffer.concat(encodeInferRequest(typedAddsub));
        const inner = damaged(whole.subarray(5), wish.cuts);
        const prefix = Buffer.from(whole.subarray(0, 5));
        prefix.writeUInt32BE(inner.length, 1);
        const frames = Buffer.concat([prefix, inner]);
        // With `lie`, the frame around the message is damaged too.
        return call(wish.lie ? damaged(frames, wish.cuts) : frames, wish.headers);
      },
      ({ status, code, text }) => {
        if (status === 0 || status === 'closed') return;
        if (code === undefined) {
          assert.ok(frameErrors.has(status), `${status}: ${text}`);
          return;
        }
        const { grpc } = catalogue[code as ErrorCode];
        assert.ok(['INVALID_ARGUMENT', 'NOT_FOUND', 'UNIMPLEMENTED'].includes(grpc), `${code}: ${text}`);
      },
      requests,
    );
  };

  before(async () => {
    await Promise.all([json(warmUpRequests), binary(warmUpRequests), grpc(warmUpRequests)]);
    for (const [pid, what] of processes) footprints.set(pid, { what, before: await footprint(pid) });
  });

  const figures = async (
    t: TestContext,
    door: (requests: number) => Promise<void>,
    requests: number,
  ): Promise<void> => {
    const startedAt = performance.now();
    const wanted = Math.ceil(requests * scale);
    await door(wanted);
    t.diagnostic(`seed ${seed}: ${wanted} requests in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  };

  describe('at three doors at once', { concurrency: true }, () => {
    test('REST with JSON answers, refuses with a type, or closes', (t) => figures(t, json, 40_000));
    test('REST with binary tensors answers, refuses with a type, or closes', (t) => figures(t, binary, 40_000));
    test('gRPC answers, refuses with a type, or resets', (t) => figures(t, grpc, 20_000));
  });

  test('no process has grown', async (t) => {
    for (const [pid, { what, before }] of footprints) {
      const after = await footprint(pid);
      t.diagnostic(describeFootprint(what, before, after));
      assert.ok(after.heapBytes - before.heapBytes < heapGrowthMax, `${what}: the heap grew`);
      assert.ok(after.externalBytes - before.externalBytes < heapGrowthMax, `${what}: buffers were kept`);
      assert.ok(after.residentBytes - before.residentBytes < residentGrowthMax, `${what}: it became larger`);
    }
  });

  test('afterwards every process is the one that it was at the start, and says nothing of a fault', async () => {
    const least = [
      '200',
      '0',
      'INVALID_JSON',
      'INVALID_TENSOR',
      'INVALID_BINARY',
      'INVALID_REQUEST',
      'MODEL_NOT_FOUND',
    ];
    assert.deepEqual(
      least.filter((kind) => !reached.has(kind)),
      [],
      `reached ${[...reached].join(', ')}`,
    );
    await isRight();
    const { deployments } = await platform.status();
    assert.deepEqual([...new Set(deployments.map(({ state }) => state))], ['serving']);
    const log = readFileSync(join(platform.dataDirectory, 'flyball.log'), 'utf8');
    assert.match(log, /"msg":"process"/, 'this is the log');
    assert.deepEqual(
      log.split('\n').filter((line) => /"msg":"fault"|"level":"error"|uncaught/i.test(line)),
      [],
    );
  });
});
