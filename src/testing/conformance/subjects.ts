/**
 * The ways to speak to a served set, for the conformance suite. REST is written out by hand over fetch and gRPC goes
 * through grpc-js, so that none of them shares a codec with what it tests; flyball/client is tested as itself.
 */
import * as grpc from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { openClient, type ClientOptions } from '../../client/client.ts';
import { catalogue, FlyballError, grpcStatus, type ErrorCode } from '../../errors.ts';
import { definitions } from '../../protocol/grpc/definitions.ts';
import { describeFile } from '../../protocol/grpc/descriptors.ts';
import { datatypeWidths, type Datatype } from '../../protocol/tensor.ts';
import type { ProtocolSubject, SubjectAnswer, SubjectMetadata } from './protocol.ts';

const all = Object.keys(datatypeWidths) as Datatype[];
const nothing = async (): Promise<void> => {};

type Json = Record<string, unknown>;
interface JsonTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: number[];
  readonly data?: unknown[];
  readonly parameters?: { readonly binary_data_size: number };
}

const path = (model: string, version?: string): string =>
  `/v2/models/${model}${version === undefined ? '' : `/versions/${version}`}`;

async function checked(response: Response): Promise<Buffer> {
  const body = Buffer.from(await response.arrayBuffer());
  if (response.status === 200) return body;
  const { error, code } = JSON.parse(body.toString()) as { error: string; code: ErrorCode };
  if (catalogue[code].status !== response.status) throw new Error(`${code} came as ${response.status}`);
  throw new FlyballError(code, error);
}

async function restMetadata(url: string, model: string, version?: string): Promise<SubjectMetadata> {
  const body = await checked(await fetch(url + path(model, version)));
  return JSON.parse(body.toString()) as SubjectMetadata;
}

/** REST with everything in JSON. FP16 comes as numbers, BF16 has no JSON form. */
export function restJsonSubject(url: string): ProtocolSubject {
  return {
    datatypes: all.filter((datatype) => datatype !== 'BF16'),
    metadata: (model, version) => restMetadata(url, model, version),
    async infer({ model, version, id, inputs, outputs }) {
      const tensors = inputs.map(
        ({ json, name, datatype, shape }) =>
          `${JSON.stringify({ name, datatype, shape }).slice(0, -1)},"data":${json}}`,
      );
      const head = JSON.stringify({ id, outputs: outputs?.map((name) => ({ name })) }).slice(0, -1);
      const body = `${head}${head === '{' ? '' : ','}"inputs":[${tensors.join(',')}]}`;
      const response = await fetch(`${url}${path(model, version)}/infer`, { method: 'POST', body });
      return toAnswer(parseExact((await checked(response)).toString()), (tensor) => elementsToBytes(tensor));
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** REST with the binary tensor extension, both ways. */
export function restBinarySubject(url: string): ProtocolSubject {
  return {
    datatypes: all,
    metadata: (model, version) => restMetadata(url, model, version),
    async infer({ model, version, id, inputs, outputs }) {
      const head = JSON.stringify({
        id,
        parameters: { binary_data_output: true },
        inputs: inputs.map(({ name, datatype, shape, bytes }) => ({
          name,
          datatype,
          shape,
          parameters: { binary_data_size: bytes.length },
        })),
        outputs: outputs?.map((name) => ({ name })),
      });
      const response = await fetch(`${url}${path(model, version)}/infer`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/octet-stream',
          'Inference-Header-Content-Length': String(Buffer.byteLength(head)),
        },
        body: Buffer.concat([Buffer.from(head), ...inputs.map((input) => input.bytes)]),
      });
      const body = await checked(response);
      const length = Number(response.headers.get('inference-header-content-length'));
      let at = length;
      return toAnswer(JSON.parse(body.toString('utf8', 0, length)) as Json, ({ parameters }) => {
        at += parameters!.binary_data_size;
        return body.subarray(at - parameters!.binary_data_size, at);
      });
    },
    [Symbol.asyncDispose]: nothing,
  };
}

function toAnswer(body: Json, bytesOf: (tensor: JsonTensor) => Uint8Array): SubjectAnswer {
  return {
    model: body['model_name'] as string,
    version: body['model_version'] as string,
    id: body['id'] as string | undefined,
    outputs: (body['outputs'] as JsonTensor[]).map((tensor) => ({
      name: tensor.name,
      datatype: tensor.datatype,
      shape: tensor.shape,
      bytes: bytesOf(tensor),
    })),
  };
}

/** Integers that a number cannot hold come as bigints. */
const parseExact = (text: string): Json =>
  JSON.parse(text, ((_key: string, value: unknown, context: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? '')
      ? BigInt(context.source!)
      : value) as (key: string, value: unknown) => unknown) as Json;

const arrays = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  FP16: Float16Array,
  FP32: Float32Array,
  FP64: Float64Array,
} as const;

function elementsToBytes({ datatype, data }: JsonTensor): Uint8Array {
  const elements = data!;
  if (datatype === 'BYTES') {
    return Buffer.concat(
      (elements as string[]).flatMap((element) => {
        const bytes = Buffer.from(element);
        const length = Buffer.alloc(4);
        length.writeUInt32LE(bytes.length);
        return [length, bytes];
      }),
    );
  }
  if (datatype === 'INT64' || datatype === 'UINT64') {
    const wide = (elements as (number | bigint)[]).map(BigInt);
    return new Uint8Array((datatype === 'INT64' ? BigInt64Array : BigUint64Array).from(wide).buffer);
  }
  return new Uint8Array(arrays[datatype as keyof typeof arrays].from((elements as number[]).map(Number)).buffer);
}

interface GrpcTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: string[];
}
interface GrpcReply {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly outputs: GrpcTensor[];
  readonly raw_output_contents: Buffer[];
}
type GrpcStub = grpc.Client &
  Record<string, (message: object, done: (error: grpc.ServiceError | null, reply: unknown) => void) => void>;

/** gRPC by grpc-js. `typed` sends typed contents; answers are read raw, as every client of Triton does. */
export function grpcSubject(target: string, contents: 'raw' | 'typed'): ProtocolSubject {
  const { bytes } = describeFile(definitions.inference);
  const set = Buffer.concat([Buffer.from([0x0a, (bytes.length & 0x7f) | 0x80, bytes.length >> 7]), bytes]);
  const loaded = grpc.loadPackageDefinition(
    loadFileDescriptorSetFromBuffer(set, { longs: String, keepCase: true, defaults: true }),
  ) as unknown as { inference: { GRPCInferenceService: new (...args: unknown[]) => GrpcStub } };
  const stub = new loaded.inference.GRPCInferenceService(target, grpc.credentials.createInsecure());
  const call = <Reply>(method: string, message: object): Promise<Reply> =>
    new Promise((resolve, reject) => {
      stub[method]!(message, (error, reply) => (error === null ? resolve(reply as Reply) : reject(toError(error))));
    });
  return {
    datatypes: contents === 'raw' ? all : all.filter((datatype) => datatype !== 'FP16' && datatype !== 'BF16'),
    async metadata(model, version) {
      const reply = await call<Omit<SubjectMetadata, 'inputs'> & { inputs: GrpcTensor[] }>('ModelMetadata', {
        name: model,
        version,
      });
      const inputs = reply.inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(Number) }));
      return { name: reply.name, versions: reply.versions, inputs };
    },
    async infer({ model, version, id, inputs, outputs }) {
      const reply = await call<GrpcReply>('ModelInfer', {
        model_name: model,
        model_version: version,
        id,
        inputs: inputs.map(({ json, name, datatype, shape }) =>
          contents === 'raw'
            ? { name, datatype, shape }
            : { name, datatype, shape, contents: typedContents(datatype, json!) },
        ),
        outputs: outputs?.map((name) => ({ name })),
        ...(contents === 'raw' ? { raw_input_contents: inputs.map((input) => input.bytes) } : undefined),
      });
      return {
        model: reply.model_name,
        version: reply.model_version,
        id: reply.id === '' ? undefined : reply.id,
        outputs: reply.outputs.map(({ name, datatype, shape }, index) => ({
          name,
          datatype,
          shape: shape.map(Number),
          bytes: reply.raw_output_contents[index]!,
        })),
      };
    },
    async [Symbol.asyncDispose]() {
      stub.close();
    },
  };
}

const contentsFields: Readonly<Partial<Record<Datatype, string>>> = {
  BOOL: 'bool_contents',
  INT8: 'int_contents',
  INT16: 'int_contents',
  INT32: 'int_contents',
  INT64: 'int64_contents',
  UINT8: 'uint_contents',
  UINT16: 'uint_contents',
  UINT32: 'uint_contents',
  UINT64: 'uint64_contents',
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
};

function typedContents(datatype: Datatype, json: string): object {
  const list = parseExact(json) as unknown as unknown[];
  const elements = list.map((element) => {
    if (typeof element === 'bigint') return String(element);
    return datatype === 'BYTES' ? Buffer.from(element as string) : element;
  });
  return { [contentsFields[datatype]!]: elements };
}

function toError(error: grpc.ServiceError): Error {
  const code: number = error.code;
  const entry = Object.entries(catalogue).find(([, each]) => grpcStatus[each.grpc] === code);
  return entry === undefined ? error : new FlyballError(entry[0] as ErrorCode, error.details);
}

/** flyball/client as its users have it. */
export function clientSubject(options: ClientOptions): ProtocolSubject {
  const client = openClient(options);
  const datatypes = options.encoding === 'json' ? all.filter((datatype) => datatype !== 'BF16') : all;
  return {
    datatypes,
    async metadata(model, version) {
      const { name, versions, signature } = await client.modelMetadata(model, version);
      return { name, versions, inputs: signature.inputs };
    },
    infer: (request) =>
      client.infer({
        ...request,
        inputs: request.inputs.map(({ name, datatype, shape, bytes }) => ({ name, datatype, shape, bytes })),
      }),
    [Symbol.asyncDispose]: () => client.close(),
  };
}
