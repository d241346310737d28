/** Servers of somebody else as the runtime, over real HTTP and processes. As long as there are dialects and ways to misbehave. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serverSettings } from '../../config/model-file.ts';
import type { Datatype, ModelSignature, Tensor } from '../../protocol/tensor.ts';
import type { LoadedModel } from '../../runner/runtime.ts';
import { runtimeConformance } from '../../testing/conformance/runtime.ts';
import { foreignServer, type Fault, type ForeignServer } from '../../testing/foreign-server.ts';
import { until } from '../../testing/until.ts';
import { loadServer, type ServerSettings } from './server.ts';

const { signal } = new AbortController();
const root = mkdtempSync(join(tmpdir(), 'flyball-server-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const script = fileURLToPath(new URL('../../testing/foreign-server.ts', import.meta.url));

const vector: ModelSignature = {
  inputs: [{ name: 'in0', datatype: 'FP32', shape: [-1, 3] }],
  outputs: [{ name: 'out0', datatype: 'FP32', shape: [-1, 3] }],
  batchable: true,
};

type Options = Partial<Omit<ServerSettings, 'folder'>>;

function settings(options: Options): ServerSettings {
  folders += 1;
  const { inputs: _inputs, outputs: _outputs, ...defaults } = serverSettings.parse({});
  return { ...defaults, model: 'foreign', ...options, files: options.files ?? {}, folder: join(root, String(folders)) };
}

/** The server in this process: quick to start, and its inside can be asked. */
async function reached(
  signature: ModelSignature,
  options: Options,
  told: { readonly binary?: boolean; readonly declares?: boolean } = {},
): Promise<{ readonly foreign: ForeignServer; readonly load: () => Promise<LoadedModel> } & AsyncDisposable> {
  const { binary = true, declares = true } = told;
  const foreign = foreignServer({ model: 'foreign', ...signature, binary, declares });
  await new Promise<void>((resolve) => {
    foreign.server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = foreign.server.address() as AddressInfo;
  return {
    foreign,
    load: () => loadServer(settings({ address: `http://127.0.0.1:${port}`, ...options }), signal),
    async [Symbol.asyncDispose]() {
      foreign.server.closeAllConnections();
      foreign.server.close();
    },
  };
}

const started = (args: readonly string[], options: Options = {}): Promise<LoadedModel> =>
  loadServer(settings({ command: [process.execPath, script, ...args], ...options }), signal);

async function freePort(): Promise<number> {
  const { server } = foreignServer({ model: '', inputs: [], outputs: [], binary: false, declares: false });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

const row = (...values: number[]): Tensor => ({
  name: 'in0',
  datatype: 'FP32',
  shape: [values.length / 3, 3],
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});

const floats = ([output]: readonly Tensor[]): number[] => [
  ...new Float32Array(new Uint8Array(output?.bytes ?? []).buffer),
];

const misfit = {
  code: 'INVALID_TENSOR',
  reason: 'it is refused before it is sent, as whoever calls is at fault',
} as const;
const half: Partial<Record<Datatype, string>> = { FP16: 'JSON has no form for it', BF16: 'JSON has no form for it' };
/** What runs in this process is closed when the last test is over. */
const open: AsyncDisposable[] = [];
after(async () => {
  for (const each of open) await each[Symbol.asyncDispose]();
});

for (const [name, protocol, binary, unsupported] of [
  ['server (V2, binary)', 'v2', true, {}],
  ['server (V2, JSON)', 'v2', false, half],
  ['server (TorchServe)', 'torchserve', false, half],
  ['server (V1)', 'v1', false, half],
] as const) {
  runtimeConformance({
    name,
    platform: 'server',
    async load(signature, abort) {
      const there = await reached(signature, {}, { binary });
      open.push(there);
      const { port } = there.foreign.server.address() as AddressInfo;
      const declared = protocol === 'v2' ? {} : { signature };
      return loadServer(settings({ address: `http://127.0.0.1:${port}`, protocol, ...declared }), abort);
    },
    unsupported,
    deviations: { misfit },
  });
}

describe('a server that is started by a command', () => {
  it('with an image runs where that does, and is told where its files are', async () => {
    const file = join(root, 'factor.txt');
    writeFileSync(file, '3');
    const program = `
      const { writeFileSync } = require('node:fs');
      writeFileSync(process.argv[1] + '/told.json', JSON.stringify([process.cwd(), process.env.MODELS]));
      require('node:http').createServer((request, response) => response.end('{"ready":true}')).listen(Number(process.env.PORT), '127.0.0.1');`;
    const options = settings({
      image: 'models/churn:3',
      command: [process.execPath, '-e', program, '{files}'],
      env: { MODELS: '{files}/factor.txt' },
      files: { 'factor.txt': file },
      protocol: 'v1',
      signature: vector,
    });
    await using _model = await loadServer(options, signal);
    const told: unknown = JSON.parse(readFileSync(join(options.folder, 'told.json'), 'utf8'));
    assert.deepEqual(told, [process.cwd(), join(options.folder, 'factor.txt')]);
  });

  it('is told its port in the command and the environment, runs among its files, and is gone with its group', async () => {
    const file = join(root, 'weights.txt');
    writeFileSync(file, 'as they were');
    const program = `
      const { readFileSync, writeFileSync } = require('node:fs');
      const { PORT, FLYBALL_PORT, GRPC_PORT, FLYBALL_REPLICA, OMP_NUM_THREADS } = process.env;
      writeFileSync('told.json', JSON.stringify({ argv: process.argv.slice(1), PORT, FLYBALL_PORT, GRPC_PORT, FLYBALL_REPLICA, OMP_NUM_THREADS, text: readFileSync('deep/weights.txt', 'utf8') }));
      writeFileSync('deep/weights.txt', 'changed');
      require('node:http').createServer((request, response) => response.end('{"ready":true}')).listen(Number(PORT), '127.0.0.1');`;
    const options = settings({
      command: [process.execPath, '-e', program, '{port}', '{port:metrics}', '{model}'],
      env: { GRPC_PORT: '{port:grpc}' },
      files: { 'deep/weights.txt': file },
      threads: 3,
      protocol: 'v1',
      signature: vector,
    });
    const model = await loadServer(options, signal);
    const told = JSON.parse(readFileSync(join(options.folder, 'told.json'), 'utf8')) as Record<string, string> & {
      argv: string[];
    };
    const [port, metrics, name] = told.argv;
    assert.equal(told['PORT'], port);
    assert.equal(told['FLYBALL_PORT'], port);
    assert.equal(new Set([port, metrics, told['GRPC_PORT']]).size, 3, 'three ports');
    assert.equal(name, 'foreign');
    assert.equal(told['OMP_NUM_THREADS'], '3');
    assert.equal(told['text'], 'as they were');
    assert.equal(readFileSync(file, 'utf8'), 'as they were', 'what the server wrote did not reach the version');
    assert.ok((model.usage?.().residentBytes ?? 0) > 1_000_000);
    await model[Symbol.asyncDispose]();
    assert.equal(existsSync(options.folder), false);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  });

  it('that ends at once is refused with its exit code and last words', async () => {
    await assert.rejects(started(['--fault', 'exit']), {
      code: 'MODEL_LOAD_FAILED',
      message:
        "the server's command ended before it was ready, exit code 1: Traceback | ImportError: no module named weights",
    });
  });

  it('that does not exist is refused by its name', async () => {
    const options = settings({ command: ['no-such-program-here'] });
    await assert.rejects(loadServer(options, signal), { code: 'MODEL_LOAD_FAILED', message: /no-such-program-here/ });
    assert.equal(existsSync(options.folder), false);
  });

  it('that never is ready is given up at startMs, with what came last and what it said', async () => {
    const notes: string[] = [];
    const options = settings({ command: ['sh', '-c', 'echo no weights here >&2; exec sleep 60'], startMs: 1500 });
    await assert.rejects(
      loadServer(options, signal, (note) => notes.push(note)),
      {
        code: 'MODEL_LOAD_FAILED',
        message:
          /not ready within 1500 ms \(server\.startMs\): GET http:\S+\/v2\/models\/foreign\/ready: .*ECONNREFUSED.*last words: no weights here/,
      },
    );
    assert.match(notes[0] ?? '', /waiting for GET http:.*ECONNREFUSED/);
  });

  it('that says it is not ready is waited for in its words', async () => {
    await using there = await reached(vector, { startMs: 300 });
    there.foreign.fault({ kind: 'sick' });
    await assert.rejects(there.load(), {
      code: 'MODEL_LOAD_FAILED',
      message: /ready: answered 503: \{"name":"foreign"/,
    });
  });

  it('that nobody waits for any more is ended in the middle of its start', async () => {
    const controller = new AbortController();
    const options = settings({ command: [process.execPath, script, '--fault', 'deaf'] });
    const reason = new Error('nobody waits any more');
    await assert.rejects(
      loadServer(options, controller.signal, () => controller.abort(reason)),
      reason,
    );
    assert.equal(existsSync(options.folder), false);
  });

  it('that ignores SIGTERM is killed after stopMs, with the processes that it has started', async () => {
    const model = await started(['--fault', 'ignore-term'], { stopMs: 200 });
    const before = model.usage?.();
    assert.ok((before?.residentBytes ?? 0) > 60_000_000, 'the worker is counted too');
    const began = performance.now();
    await model[Symbol.asyncDispose]();
    assert.ok(performance.now() - began >= 200);
    assert.equal(model.usage?.().residentBytes, 0);
  });

  it('that dies fails the call and then the replica, with its last words', async () => {
    const port = await freePort();
    const address = `http://127.0.0.1:${port}`;
    await using model = await started(['--port', String(port)], { address });
    const failures: string[] = [];
    model.onFailure((error) => failures.push(error.message));
    await fetch(`${address}/fault`, { method: 'POST', body: JSON.stringify({ kind: 'die' } satisfies Fault) });
    const words = /ended, exit code 3: .*weights are corrupt \| going down/;
    await assert.rejects(model.run([row(1, 2, 3)]), { code: 'REPLICA_FAILED', message: words });
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? '', words);
    await assert.rejects(model.run([row(1, 2, 3)]), { code: 'REPLICA_FAILED', message: words });
  });
});

describe('a call of a server', () => {
  const answered = async (given: Fault, options: Options = {}): Promise<unknown> => {
    await using there = await reached(vector, options);
    await using model = await there.load();
    there.foreign.fault({ ...given, times: 1 });
    const first = await model.run([row(1, 2, 3)]).catch((error: unknown) => error);
    const { outputs } = await model.run([row(1, 2, 3)]);
    assert.deepEqual(floats(outputs), [1, 2, 3], 'it goes on after that');
    return first;
  };
  const status = (code: number, body: string): Fault => ({ kind: 'status', status: code, body });

  for (const [what, given, code, message] of [
    [
      'is the caller’s fault at 400',
      status(400, '{"error":"no such colour"}'),
      'INVALID_REQUEST',
      /400: no such colour/,
    ],
    [
      'is the caller’s fault at 422',
      status(422, '{"detail":[{"msg":"bad"}]}'),
      'INVALID_REQUEST',
      /422: \[\{"msg":"bad"\}\]/,
    ],
    ['is no caller’s fault at 404', status(404, '{"error":"no model"}'), 'INFERENCE_FAILED', /404: no model/],
    [
      'has failed at 500, in the server’s words',
      status(500, '{"message":"out of tea"}'),
      'INFERENCE_FAILED',
      /out of tea/,
    ],
    ['may be tried elsewhere at 503', status(503, 'busy'), 'OVERLOADED', /503: busy/],
    ['may be tried elsewhere at 429', status(429, ''), 'OVERLOADED', /429: nothing/],
    ['is not redirected', status(302, ''), 'PROTOCOL', /302/],
    ['that gets no JSON is a fault of the server', { kind: 'body', body: 'hello' }, 'PROTOCOL', /JSON/],
    [
      'that gets another object is one too',
      { kind: 'body', body: '{"model_name":"a","outputs":3}' },
      'PROTOCOL',
      /outputs: expected a list/,
    ],
    [
      'that gets no output is one too',
      { kind: 'body', body: '{"model_name":"a","outputs":[]}' },
      'PROTOCOL',
      /expected the output out0, the server gave none/,
    ],
    ['that gets no HTTP is one too', { kind: 'noise' }, 'PROTOCOL', /no HTTP/],
    ['that is cut off may be tried elsewhere', { kind: 'half' }, 'REPLICA_FAILED', /in the middle of the answer/],
  ] as const) {
    it(what, async () => {
      const error = (await answered(given)) as { code: string; message: string };
      assert.equal(error.code, code);
      assert.match(error.message, message);
    });
  }

  it('that takes longer than callMs ends the replica: the server is taken for hung', async () => {
    await using there = await reached(vector, { callMs: 100 });
    await using model = await there.load();
    const failures: string[] = [];
    model.onFailure((error) => failures.push(error.code));
    there.foreign.fault({ kind: 'silence' });
    const hung = { code: 'REPLICA_FAILED', message: /no answer within 100 ms \(server\.callMs\)/ };
    await assert.rejects(model.run([row(1, 2, 3)]), hung);
    assert.deepEqual(failures, ['REPLICA_FAILED']);
  });

  it('goes over a new connection when the server has closed the idle one', async () => {
    await using there = await reached(vector, {});
    await using model = await there.load();
    await model.run([row(1, 2, 3)]);
    there.foreign.server.closeAllConnections();
    assert.equal((await model.run([row(1, 2, 3)])).outputs.length, 1);
  });

  it('is not sent when its numbers have no JSON form, and is when they go as bytes', async () => {
    await using json = await reached(vector, {}, { binary: false });
    await using model = await json.load();
    await assert.rejects(model.run([row(1, NaN, 3)]), { code: 'INVALID_TENSOR', message: /finite/ });
    assert.equal(json.foreign.calls(), 0);
    await using binary = await reached(vector, {});
    await using other = await binary.load();
    const { outputs } = await other.run([row(1, NaN, 3)]);
    assert.deepEqual(floats(outputs), [1, NaN, 3]);
  });

  it('reads the words that Python writes for numbers that JSON does not have', async () => {
    const body =
      '{"model_name":"NaN","outputs":[{"name":"out0","datatype":"FP32","shape":[1,3],"data":[NaN,-Infinity,1]}]}';
    const { outputs } = (await answered({ kind: 'body', body })) as { outputs: Tensor[] };
    assert.deepEqual(floats(outputs), [NaN, -Infinity, 1]);
  });

  it('carries integers beyond 2^53 exactly, whatever the protocol', async () => {
    const long: ModelSignature = {
      inputs: [{ name: 'in0', datatype: 'INT64', shape: [-1, 2] }],
      outputs: [{ name: 'out0', datatype: 'INT64', shape: [-1, 2] }],
      batchable: true,
    };
    const values = BigInt64Array.of(9_007_199_254_740_993n, -9_223_372_036_854_775_808n);
    for (const protocol of ['v2', 'v1', 'torchserve'] as const) {
      await using there = await reached(long, { protocol, signature: long }, { binary: false });
      await using model = await there.load();
      const bytes = new Uint8Array(values.buffer.slice(0));
      const { outputs } = await model.run([{ name: 'in0', datatype: 'INT64', shape: [1, 2], bytes }]);
      assert.deepEqual(new BigInt64Array(new Uint8Array(outputs[0]!.bytes).buffer), values, protocol);
    }
  });
});

describe('the signature of a server', () => {
  it('is what the server says, and batches only where every first size varies', async () => {
    const fixed: ModelSignature = {
      inputs: [{ name: 'in0', datatype: 'FP32', shape: [1, 3] }],
      outputs: [{ name: 'out0', datatype: 'FP32', shape: [1, 3] }],
      batchable: false,
    };
    for (const signature of [vector, fixed]) {
      await using there = await reached(signature, {});
      await using model = await there.load();
      assert.deepEqual(model.signature, signature);
    }
    // Declared as variable, but the server knows better.
    await using there = await reached(fixed, { signature: vector });
    await using model = await there.load();
    assert.deepEqual(model.signature, fixed);
  });

  it('that was declared otherwise than the server has it is refused with both', async () => {
    const declared = { ...vector, inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1] }] } as const;
    await using there = await reached(vector, { signature: declared });
    await assert.rejects(there.load(), {
      code: 'MODEL_LOAD_FAILED',
      message: 'inputs: expected text BYTES[-1] as declared, the server has in0 FP32[-1,3]',
    });
  });

  it('may be unknown: then calls go through as they come, alone, and the server judges them', async () => {
    await using there = await reached(vector, {}, { declares: false });
    await using model = await there.load();
    assert.deepEqual(model.signature, { inputs: [], outputs: [], batchable: false });
    const { outputs } = await model.run([row(1, 2, 3)]);
    assert.equal(outputs[0]?.name, 'out0');
    await assert.rejects(model.run([row(1, 2, 3)], ['nothing']), {
      code: 'INVALID_REQUEST',
      message: /no output nothing/,
    });
  });
});

describe('a file for a TorchServe server', () => {
  it('goes through as it came, and what the handler says comes back', async () => {
    await using there = await reached(vector, { protocol: 'torchserve', takesFiles: true });
    await using model = await there.load();
    const image = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255, 1, 2]);
    const { readable } = await model.files!.run(image);
    const sha256 = createHash('sha256').update(image).digest('hex');
    assert.deepEqual(readable, { bytes: 8, sha256, contentType: 'application/octet-stream' });
    // A handler is given JSON as an object, by its type.
    assert.deepEqual((await model.files!.run(Buffer.from(' {"text":"hi"}'))).readable, { text: 'hi' });
    await assert.rejects(model.run([row(1, 2, 3)]), { code: 'INVALID_TENSOR', message: /posted to \/predictions/ });
    there.foreign.fault({ kind: 'body', body: 'a cat' });
    assert.equal((await model.files!.run(image)).readable, 'a cat');
  });
});

describe('the health of a server', () => {
  it('is asked for while it is idle; three misses in a row end the replica', async () => {
    await using there = await reached(vector, { healthMs: 20 });
    await using model = await there.load();
    const failures: string[] = [];
    model.onFailure((error) => failures.push(error.message));
    there.foreign.fault({ kind: 'sick' });
    await until('the replica to be given up', () => failures.length > 0);
    assert.match(failures[0] ?? '', /not well: GET http:\S+ready 3 times in a row: answered 503/);
    await assert.rejects(model.run([row(1, 2, 3)]), { code: 'REPLICA_FAILED' });
  });

  it('is not asked for while a call runs, so that a server with one thread is not taken for dead', async () => {
    await using there = await reached(vector, { healthMs: 10, callMs: 400 });
    await using model = await there.load();
    const failures: string[] = [];
    model.onFailure((error) => failures.push(error.message));
    there.foreign.fault({ kind: 'silence', times: 1 });
    await assert.rejects(model.run([row(1, 2, 3)]), { code: 'REPLICA_FAILED' });
    assert.match(failures[0] ?? '', /callMs/, 'by the limit of a call, not by its health');
  });
});
