/**
 * A server as somebody else might have written it, on plain node:http and without a line of this project's protocol code,
 * so that it is an independent witness. Outputs repeat inputs by position, in all three protocols: V2 (JSON and the binary
 * extension), TorchServe's REST and V1. It can be told to misbehave, at its start or by POST /fault while it runs.
 *   node foreign-server.ts --port 9000 --signature '{"inputs":[…],"outputs":[…]}' [--no-binary] [--undeclared] [--fault KIND]
 *     [--delay-ms MS] [--ledger FILE]   with a ledger it ends at once at SIGTERM, and leaves a line on what that cost
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';

interface Spec {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface ForeignOptions {
  readonly model: string;
  readonly inputs: readonly Spec[];
  readonly outputs: readonly Spec[];
  readonly binary: boolean;
  /** Whether the metadata says what the model takes. */
  readonly declares: boolean;
  /** How long a call takes. */
  readonly delayMs?: number;
}

/** What the next calls meet; `times` of them, all by default. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly body: string; readonly times?: number }
  | { readonly kind: 'body'; readonly body: string; readonly times?: number }
  /** Bytes that are no HTTP. */
  | { readonly kind: 'noise'; readonly times?: number }
  /** Half an answer, then the connection is closed. */
  | { readonly kind: 'half'; readonly times?: number }
  /** No answer at all, for ever. */
  | { readonly kind: 'silence'; readonly times?: number }
  /** The process ends, saying why. */
  | { readonly kind: 'die'; readonly times?: number }
  /** Not ready any more, though calls are answered. */
  | { readonly kind: 'sick'; readonly times?: number };

export interface ForeignServer {
  readonly server: Server;
  /** Calls that were computed. */
  readonly calls: () => number;
  /** … that have not been answered yet. */
  readonly unanswered: () => number;
  fault(next: Fault | undefined): void;
}

type Json = Record<string, unknown>;
interface Tensor extends Spec {
  readonly data?: unknown[];
  readonly parameters?: Json;
}

class Refusal extends Error {}

export function foreignServer(options: ForeignOptions): ForeignServer {
  let calls = 0;
  let unanswered = 0;
  let fault: Fault | undefined;
  let left = Infinity;
  const setFault = (next: Fault | undefined): void => {
    fault = next;
    left = next?.times ?? Infinity;
  };
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      reply(response, error instanceof Refusal ? 400 : 500, { error: (error as Error).message });
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
    const { model } = options;
    if (path === '/fault') {
      setFault(JSON.parse(body.toString()) as Fault);
      return reply(response, 200, {});
    }
    if (request.method === 'GET') {
      const sick = fault?.kind === 'sick';
      if (path === '/v2') {
        const extensions = options.binary ? ['binary_tensor_data'] : [];
        return reply(response, 200, { name: 'foreign', version: '1', extensions });
      }
      if (path === '/ping') return reply(response, sick ? 500 : 200, { status: sick ? 'Unhealthy' : 'Healthy' });
      if (path === `/v1/models/${model}` || path === `/v2/models/${model}/ready`) {
        return reply(response, sick ? 503 : 200, { name: model, ready: !sick });
      }
      if (path === `/v2/models/${model}`) {
        const { inputs, outputs } = options;
        const told = options.declares ? { inputs, outputs } : {};
        return reply(response, 200, { name: model, platform: 'foreign', ...told });
      }
      return reply(response, 404, { error: `unknown path ${path}` });
    }
    if (fault !== undefined && fault.kind !== 'sick' && left > 0) {
      left -= 1;
      return misbehave(fault, response);
    }
    calls += 1;
    unanswered += 1;
    response.once('close', () => (unanswered -= 1));
    if ((options.delayMs ?? 0) > 0) await setTimeout(options.delayMs);
    if (path === `/v2/models/${model}/infer`) return inferV2(request, body, response);
    if (path === `/v1/models/${model}:predict`) {
      const { instances } = parseExact(body.toString()) as { instances: unknown[] };
      return reply(response, 200, { predictions: instances.map(renamed) });
    }
    if (path === `/predictions/${model}`) {
      if (request.headers['content-type'] === 'application/json') {
        return reply(response, 200, renamed(parseExact(body.toString())));
      }
      const sha256 = createHash('sha256').update(body).digest('hex');
      return reply(response, 200, { bytes: body.length, sha256, contentType: request.headers['content-type'] });
    }
    return reply(response, 404, { error: `unknown path ${path}` });
  }

  /** in0 → out0, … in an object by name; anything else as it is. */
  function renamed(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const names = options.inputs.map(({ name }) => name);
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [options.outputs[names.indexOf(key)]?.name ?? key, each]),
    );
  }

  function inferV2(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const headed = request.headers['inference-header-content-length'];
    if (headed !== undefined && !options.binary) throw new Refusal('expected JSON, got binary tensors');
    const jsonLength = headed === undefined ? body.length : Number(headed);
    const message = parseExact(body.toString('utf8', 0, jsonLength)) as {
      readonly id?: string;
      readonly inputs: Tensor[];
      readonly outputs?: { readonly name: string }[];
      readonly parameters?: Json;
    };
    let at = jsonLength;
    const given = message.inputs.map((tensor) => {
      const { datatype, shape, parameters } = tensor;
      const count = shape.reduce((product, size) => product * size, 1);
      const size = parameters?.['binary_data_size'];
      if (size === undefined) {
        const data = (tensor.data ?? []).flat(Infinity);
        if (data.length !== count) throw new Refusal(`expected ${count} elements, got ${data.length}`);
        return { ...tensor, bytes: encode(datatype, data) };
      }
      at += Number(size);
      return { ...tensor, bytes: body.subarray(at - Number(size), at) };
    });
    const names = message.outputs?.map(({ name }) => name) ?? given.map((_, index) => `out${index}`);
    const inBinary = message.parameters?.['binary_data_output'] === true;
    const blobs: Buffer[] = [];
    const outputs = names.map((name) => {
      const source = given[Number(/^out(\d+)$/.exec(name)?.[1] ?? NaN)];
      if (source === undefined) throw new Refusal(`there is no output ${name}`);
      const { datatype, shape, bytes } = source;
      if (!inBinary) return { name, datatype, shape, data: decode(datatype, bytes) };
      blobs.push(bytes);
      return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
    });
    const text = printExact({ model_name: options.model, id: message.id, outputs });
    if (!inBinary) {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(text);
      return;
    }
    const headers = {
      'Content-Type': 'application/octet-stream',
      'Inference-Header-Content-Length': String(Buffer.byteLength(text)),
    };
    response.writeHead(200, headers).end(Buffer.concat([Buffer.from(text), ...blobs]));
  }

  return { server, calls: () => calls, unanswered: () => unanswered, fault: setFault };
}

function misbehave(fault: Fault, response: ServerResponse): void {
  switch (fault.kind) {
    case 'status':
      response.writeHead(fault.status, { 'Content-Type': 'application/json' }).end(fault.body);
      break;
    case 'body':
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(fault.body);
      break;
    case 'noise':
      response.socket?.end('this is no HTTP\r\n\r\n');
      break;
    case 'half':
      response.writeHead(200, { 'Content-Length': '1000' }).write('{"outputs":', () => response.socket?.destroy());
      break;
    case 'die':
      process.stderr.write('weights are corrupt\ngoing down\n');
      process.exit(3);
      break;
    default:
  }
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(printExact(value));
}

/** Integers that a number cannot hold come as bigints. */
function parseExact(text: string): unknown {
  return JSON.parse(text, ((_key: string, value: unknown, context: { readonly source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? '')
      ? BigInt(context.source ?? 0)
      : value) as (key: string, value: unknown) => unknown);
}

function printExact(value: unknown): string {
  const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? rawJSON(String(each)) : each));
}

type Put = (view: DataView, at: number, value: never) => void;
type Take = (view: DataView, at: number) => unknown;

const forms: Readonly<Record<string, readonly [width: number, put: Put, take: Take]>> = {
  BOOL: [1, (view, at, value: boolean) => view.setUint8(at, value ? 1 : 0), (view, at) => view.getUint8(at) === 1],
  UINT8: [1, (view, at, value: number) => view.setUint8(at, value), (view, at) => view.getUint8(at)],
  INT8: [1, (view, at, value: number) => view.setInt8(at, value), (view, at) => view.getInt8(at)],
  UINT16: [2, (view, at, value: number) => view.setUint16(at, value, true), (view, at) => view.getUint16(at, true)],
  INT16: [2, (view, at, value: number) => view.setInt16(at, value, true), (view, at) => view.getInt16(at, true)],
  UINT32: [4, (view, at, value: number) => view.setUint32(at, value, true), (view, at) => view.getUint32(at, true)],
  INT32: [4, (view, at, value: number) => view.setInt32(at, value, true), (view, at) => view.getInt32(at, true)],
  UINT64: [
    8,
    (view, at, value: number) => view.setBigUint64(at, BigInt(value), true),
    (view, at) => view.getBigUint64(at, true),
  ],
  INT64: [
    8,
    (view, at, value: number) => view.setBigInt64(at, BigInt(value), true),
    (view, at) => view.getBigInt64(at, true),
  ],
  FP32: [4, (view, at, value: number) => view.setFloat32(at, value, true), (view, at) => view.getFloat32(at, true)],
  FP64: [8, (view, at, value: number) => view.setFloat64(at, value, true), (view, at) => view.getFloat64(at, true)],
};

function encode(datatype: string, data: readonly unknown[]): Buffer {
  if (datatype === 'BYTES') {
    return Buffer.concat(
      data.flatMap((each) => {
        const text = Buffer.from(String(each));
        const length = Buffer.alloc(4);
        length.writeUInt32LE(text.length);
        return [length, text];
      }),
    );
  }
  const form = forms[datatype];
  if (form === undefined) throw new Refusal(`${datatype} has no JSON form`);
  const [width, put] = form;
  const bytes = Buffer.alloc(data.length * width);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  data.forEach((each, index) => put(view, index * width, each as never));
  return bytes;
}

function decode(datatype: string, bytes: Buffer): unknown[] {
  const values: unknown[] = [];
  if (datatype === 'BYTES') {
    for (let at = 0; at < bytes.length;) {
      const length = bytes.readUInt32LE(at);
      values.push(bytes.toString('utf8', at + 4, at + 4 + length));
      at += 4 + length;
    }
    return values;
  }
  const form = forms[datatype];
  if (form === undefined) throw new Refusal(`${datatype} has no JSON form`);
  const [width, , take] = form;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += width) values.push(take(view, at));
  return values;
}

if (import.meta.main) {
  const { argv } = process;
  const option = (name: string): string | undefined => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined);
  const fault = option('--fault');
  const worker = ['-e', 'setInterval(() => {}, 1000)', 'foreign-worker'];
  if (fault === 'exit') {
    process.stderr.write('Traceback\nImportError: no module named weights\n');
    process.exit(1);
  }
  if (fault === 'ignore-term') {
    process.on('SIGTERM', () => process.stderr.write('no\n'));
    spawn(process.execPath, worker, { stdio: 'ignore' });
  }
  const vector = {
    inputs: [{ name: 'in0', datatype: 'FP32', shape: [-1, 3] }],
    outputs: [{ name: 'out0', datatype: 'FP32', shape: [-1, 3] }],
  };
  const { inputs, outputs } = JSON.parse(option('--signature') ?? JSON.stringify(vector)) as typeof vector;
  const model = option('--model') ?? 'foreign';
  const foreign = foreignServer({
    model,
    inputs,
    outputs,
    binary: !argv.includes('--no-binary'),
    declares: !argv.includes('--undeclared'),
    delayMs: Number(option('--delay-ms') ?? 0),
  });
  const ledger = option('--ledger');
  if (ledger !== undefined) {
    process.on('SIGTERM', () => {
      appendFileSync(ledger, `${foreign.calls()} calls, ${foreign.unanswered()} unanswered\n`);
      process.exit(0);
    });
  }
  if (fault === 'sick') foreign.fault({ kind: 'sick' });
  if (fault === 'deaf') setInterval(() => {}, 1000);
  else foreign.server.listen(Number(option('--port') ?? process.env['PORT']), '127.0.0.1');
  process.stderr.write(`foreign server for ${model}\n`);
}
