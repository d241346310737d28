import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { startApi } from '../api/server.ts';
import type { OperationView } from '../api/schemas.ts';
import { systemClock } from '../clock.ts';
import type { ControlService } from '../control/control-service.ts';
import { FlyballError } from '../errors.ts';
import type { Management } from '../protocol/management.ts';
import { openManagement, type ManagementOptions } from './management.ts';

const limits = { bodyBytesMax: 10_000, headerBytesMax: 16_384, connectionsMax: 100 };
const never = new AbortController().signal;

/** A socket path of its own, and a management that looks for control there. */
function place(options: Partial<ManagementOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'fb-'));
  const socketPath = join(folder, 'api.sock');
  const management = openManagement({ control: { kind: 'unix', path: socketPath }, clock: systemClock, ...options });
  return {
    socketPath,
    as: (by: string): Management => management({ by, requestId: 'r1' }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const startControl = (socketPath: string, control: Partial<ControlService>) =>
  startApi({
    control: control as ControlService,
    version: '0.0.0',
    limits,
    listen: { kind: 'port', host: '127.0.0.1', port: 0 },
    socketPath,
  });

const operation = (fields: Partial<OperationView> = {}): OperationView => ({
  id: 'op-1',
  kind: 'deploy',
  subject: 'm',
  state: 'running',
  by: 'ada',
  startedAt: 0,
  steps: [],
  ...fields,
});

const isCode = (code: string) => (error: unknown) => error instanceof FlyballError && error.code === code;

test('a change reaches control with what was asked for and who asked', async () => {
  using at = place();
  const seen: unknown[] = [];
  await using _ = await startControl(at.socketPath, {
    deploy: async (name, { deployment, by }) => {
      seen.push([name, deployment.model, by]);
      return operation();
    },
    scale: async (name, request) => {
      seen.push([name, request]);
      return operation({ kind: 'scale' });
    },
  });
  const management = at.as('rest 10.0.0.7');
  const { id } = await management.deploy('a b', { model: 'digits@champion' }, never);
  await management.scale('m', 3, never);
  assert.equal(id, 'op-1');
  assert.deepEqual(seen, [
    ['a b', 'digits@champion', 'rest 10.0.0.7'],
    ['m', { replicas: 3, by: 'rest 10.0.0.7' }],
  ]);
});

test('a model that is larger than a JSON body may be goes through whole, under its digest', async () => {
  using at = place();
  const model = Buffer.alloc(5 * limits.bodyBytesMax, 7);
  let kept = Buffer.alloc(0);
  await using _ = await startControl(at.socketPath, {
    putArtefact: async (digest, body) => {
      kept = await buffer(body);
      return { digest, bytes: kept.byteLength };
    },
  });
  const digest = await at.as('ada').putArtefact(model, never);
  assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  assert.ok(kept.equals(model));
});

test('what control refuses is refused here with the same code and words', async () => {
  using at = place();
  await using _ = await startControl(at.socketPath, {
    model: () => Promise.reject(new FlyballError('MODEL_NOT_FOUND', 'expected a model, got nobody')),
  });
  await assert.rejects(at.as('ada').model('nobody', never), (error: FlyballError) => {
    assert.equal(error.code, 'MODEL_NOT_FOUND');
    assert.equal(error.message, 'expected a model, got nobody');
    return true;
  });
});

test('without a control it is 503 with Retry-After, at once', async () => {
  using at = place();
  await assert.rejects(at.as('ada').models(never), (error: FlyballError) => {
    assert.equal(error.code, 'CONTROL_UNAVAILABLE');
    assert.equal(error.status, 503);
    assert.ok((error.retryAfterSeconds ?? 0) > 0);
    return true;
  });
});

test('a control that does not answer is given up after its time', async () => {
  using at = place({ answerMs: 50 });
  await using control = await startControl(at.socketPath, { models: () => new Promise(() => {}) });
  await assert.rejects(at.as('ada').models(never), isCode('CONTROL_UNAVAILABLE'));
  await control.drain(0);
});

test('a control that dies in the middle of its answer is unavailable, not half an answer', async () => {
  using at = place();
  const half = http.createServer((_request, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('[{"name":"m"}', () => response.destroy());
  });
  await new Promise<void>((resolve) => half.listen(at.socketPath, resolve));
  await assert.rejects(at.as('ada').models(never), isCode('CONTROL_UNAVAILABLE'));
  await new Promise((resolve) => half.close(resolve));
});

test('a caller who hangs up ends the call', async () => {
  using at = place();
  const asked = Promise.withResolvers<void>();
  await using control = await startControl(at.socketPath, {
    models: () => {
      asked.resolve();
      return new Promise(() => {});
    },
  });
  const hangUp = new AbortController();
  const answer = at.as('ada').models(hangUp.signal);
  await asked.promise;
  hangUp.abort();
  await assert.rejects(answer, isCode('CANCELLED'));
  await control.drain(0);
});

test('an operation is waited for across a restart of control', async () => {
  using at = place();
  const asked = Promise.withResolvers<void>();
  const first = await startControl(at.socketPath, {
    operation: () => {
      asked.resolve();
      return new Promise(() => {});
    },
  });
  const settled = at.as('ada').settled(operation(), never);
  await asked.promise;
  await first.drain(0);
  await using _ = await startControl(at.socketPath, { operation: async () => operation({ state: 'succeeded' }) });
  assert.equal((await settled).state, 'succeeded');
});

test('an operation that failed rejects with what made it fail', async () => {
  using at = place();
  const detail = 'm: version 1: Load model failed: INVALID_PROTOBUF';
  const error = { type: '', title: '', status: 422, code: 'MODEL_LOAD_FAILED', detail };
  await using _ = await startControl(at.socketPath, { operation: async () => operation({ state: 'failed', error }) });
  await assert.rejects(at.as('ada').settled(operation(), never), (thrown: FlyballError) => {
    assert.equal(thrown.code, 'MODEL_LOAD_FAILED');
    assert.equal(thrown.message, detail);
    return true;
  });
});

test('a wait for a control that stays away ends', async () => {
  using at = place({ awayMsMax: 0 });
  await assert.rejects(at.as('ada').settled(operation(), never), isCode('CONTROL_UNAVAILABLE'));
});
