/**
 * The client of the Open Inference Protocol V2, published as flyball/client: Flyball, Triton, KServe and whatever else
 * speaks it, over HTTP (JSON or binary tensors) or gRPC. It is not a client of the control API. Invariant: a call is
 * sent twice only when it is certain, or declared by the caller, that the first cannot have done harm.
 *
 *     import { openClient, tensor } from 'flyball/client';
 *
 *     await using client = openClient({ url: 'http://localhost:8000' });
 *     const result = await client.infer({
 *       model: 'digits',
 *       inputs: [tensor('image', 'FP32', [1, 1, 28, 28], pixels)],
 *     });
 *     const scores = result.output('scores', 'FP32'); // Float32Array
 */
import { FlyballError } from '../errors.ts';
import type {
  ModelMetadata,
  ModelStatistics,
  Parameters,
  RepositoryEntry,
  ServerMetadata,
} from '../protocol/inference.ts';
import type { Datatype, Tensor } from '../protocol/tensor.ts';
import { parseAddress } from './address.ts';
import { openHttpTransport } from './http-transport.ts';
import { repeat } from './repeat.ts';
import { toValues, type DatatypeValues } from './tensors.ts';
import type { Attempt, InferAnswer, Transport } from './transport.ts';

// The package's one entry: what a caller needs by name comes from here.
export { FlyballError, type ErrorCode } from '../errors.ts';
export { tensor, toValues, type DatatypeInputs, type DatatypeValues } from './tensors.ts';
export type { Datatype, ModelMetadata, ModelStatistics, Parameters, RepositoryEntry, ServerMetadata, Tensor };

export interface ClientOptions {
  /** `http://host:8000`, `https://…`, `grpc://host:8001`, `grpcs://…`, `http+unix:///path/to.sock`, `grpc+unix://…`. */
  readonly url: string;
  /** For a URL that does not say it: `{url: 'http://host:8001', transport: 'grpc'}`. */
  readonly transport?: 'http' | 'grpc';
  /** Sent as `Authorization: Bearer …`. */
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** For each call, attempts and waits included; 30 000 by default. */
  readonly timeoutMs?: number;
  /** Further attempts at most, where that is safe; 2 by default. */
  readonly retries?: number;
  /** Tensors over HTTP; absent: binary where the server lists the extension, JSON elsewhere. */
  readonly encoding?: 'json' | 'binary';
  /** Bytes of an answer at most; 256 MiB by default. */
  readonly responseBytesMax?: number;
  /** Connections over HTTP at most; 64 by default, further calls wait for one. gRPC has one connection. */
  readonly connectionsMax?: number;
  /** Certificates for https and grpcs, as node:tls takes them. */
  readonly tls?: {
    readonly ca?: string | Buffer;
    readonly cert?: string | Buffer;
    readonly key?: string | Buffer;
    /** Trusts a certificate in `ca` by itself, without its authority. */
    readonly allowPartialTrustChain?: boolean;
    readonly checkServerIdentity?: () => undefined;
  };
  /** Ends every call when it aborts, and closes the client. */
  readonly signal?: AbortSignal;
}

export interface InferOptions {
  readonly model: string;
  readonly version?: string;
  /** Echoed in the result. */
  readonly id?: string;
  readonly inputs: readonly Tensor[];
  /** Names of the wanted outputs; absent means all. */
  readonly outputs?: readonly string[];
  readonly parameters?: Parameters;
  /** 1 is the most urgent. */
  readonly priority?: number;
  /** In place of the client's own. */
  readonly timeoutMs?: number;
  /** Allows a further attempt after a failure that leaves open whether the first was computed. */
  readonly idempotent?: boolean;
  /** Sent as X-Request-Id, to be found again in the server's log. */
  readonly requestId?: string;
  /** W3C trace context, passed on. */
  readonly traceparent?: string;
}

export interface InferResult {
  readonly model: string;
  readonly version: string | undefined;
  readonly id: string | undefined;
  readonly parameters: Parameters;
  readonly outputs: readonly Tensor[];
  /** Milliseconds by the server's own names (Server-Timing); Flyball over HTTP: queue, compute, total. Empty when it says nothing. */
  readonly timing: Readonly<Record<string, number>>;
  /**
   * The values of an output; throws INVALID_TENSOR when it is not there or has another datatype.
   *
   *     result.output('scores', 'FP32') // Float32Array
   */
  output<Type extends Datatype>(name: string, datatype: Type): DatatypeValues[Type];
  /** The elements of a BYTES output as UTF-8 texts: `result.texts('label')` */
  texts(name: string): string[];
}

export interface InferenceClient extends AsyncDisposable {
  /** `await client.live()`; throws UNREACHABLE when there is nobody to ask. */
  live(signal?: AbortSignal): Promise<boolean>;
  /** `await client.ready()` */
  ready(signal?: AbortSignal): Promise<boolean>;
  /** `(await client.serverMetadata()).extensions` */
  serverMetadata(signal?: AbortSignal): Promise<ServerMetadata>;
  /** `(await client.modelMetadata('digits')).signature.inputs` */
  modelMetadata(model: string, version?: string, signal?: AbortSignal): Promise<ModelMetadata>;
  /** `await client.modelReady('digits', '2')` */
  modelReady(model: string, version?: string, signal?: AbortSignal): Promise<boolean>;
  /** `await client.infer({ model: 'addsub', inputs: [tensor('INPUT0', 'INT32', [1, 2], [1, 2])] })` */
  infer(request: InferOptions, signal?: AbortSignal): Promise<InferResult>;
  /** Triton's repository extension: `(await client.repositoryIndex()).filter((entry) => entry.state === 'READY')` */
  repositoryIndex(signal?: AbortSignal): Promise<readonly RepositoryEntry[]>;
  /** Triton's statistics extension: `await client.statistics('digits')` */
  statistics(model?: string, version?: string, signal?: AbortSignal): Promise<readonly ModelStatistics[]>;
  /** Ends the calls in flight with CANCELLED and gives the connections back; so does `await using`. */
  close(): Promise<void>;
}

/** Connects when it is first used: `await using client = openClient({ url: 'grpc://localhost:8001' })` */
export function openClient(options: ClientOptions): InferenceClient {
  const address = parseAddress(options.url, options.transport);
  const responseBytesMax = options.responseBytesMax ?? 256 * 1024 * 1024;
  const closing = new AbortController();
  const headers: Record<string, string> = { ...options.headers };
  if (options.apiKey !== undefined) headers['authorization'] = `Bearer ${options.apiKey}`;

  let transport: Promise<Transport> | undefined;
  const open = async (): Promise<Transport> => {
    const tls = address.secure ? { ...options.tls } : {};
    if (address.transport === 'grpc') {
      const { openGrpcTransport } = await import('./grpc-transport.ts');
      return openGrpcTransport({ address, responseBytesMax, tls });
    }
    const { encoding, connectionsMax = 64 } = options;
    return openHttpTransport({ address, encoding, responseBytesMax, connectionsMax, tls });
  };

  const call = <Result>(
    act: (transport: Transport, attempt: Attempt) => Promise<Result>,
    signal: AbortSignal | undefined,
    request?: InferOptions,
  ): Promise<Result> =>
    repeat(
      {
        url: options.url,
        timeoutMs: request?.timeoutMs ?? options.timeoutMs ?? 30_000,
        retries: options.retries ?? 2,
        // Everything but an inference only asks.
        idempotent: request === undefined || request.idempotent === true,
        headers: request === undefined ? headers : withRequestHeaders(headers, request),
        signals: [signal, options.signal, closing.signal],
        random: Math.random,
      },
      async (attempt) => act(await (transport ??= open()), attempt),
    );

  const close = async (): Promise<void> => {
    closing.abort(new Error('the client was closed'));
    options.signal?.removeEventListener('abort', closeNow);
    (await transport)?.close();
  };
  const closeNow = (): void => void close();
  options.signal?.addEventListener('abort', closeNow, { once: true });

  return {
    live: (signal) => call((on, attempt) => on.live(attempt), signal),
    ready: (signal) => call((on, attempt) => on.ready(attempt), signal),
    serverMetadata: (signal) => call((on, attempt) => on.serverMetadata(attempt), signal),
    modelMetadata: (model, version, signal) => call((on, attempt) => on.modelMetadata(model, version, attempt), signal),
    modelReady: (model, version, signal) => call((on, attempt) => on.modelReady(model, version, attempt), signal),
    repositoryIndex: (signal) => call((on, attempt) => on.repositoryIndex(attempt), signal),
    statistics: (model, version, signal) => call((on, attempt) => on.statistics(model, version, attempt), signal),
    async infer(request, signal) {
      const message = toMessage(request);
      return toResult(await call((on, attempt) => on.infer(message, attempt), signal, request));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function withRequestHeaders(headers: Readonly<Record<string, string>>, request: InferOptions): Record<string, string> {
  return {
    ...headers,
    ...(request.requestId === undefined ? undefined : { 'x-request-id': request.requestId }),
    ...(request.traceparent === undefined ? undefined : { traceparent: request.traceparent }),
  };
}

function toMessage({ model, version, id, inputs, outputs, parameters, priority }: InferOptions) {
  const all = priority === undefined ? parameters : { ...parameters, priority };
  return {
    model,
    inputs,
    ...(version === undefined ? undefined : { version }),
    ...(id === undefined ? undefined : { id }),
    ...(all === undefined ? undefined : { parameters: all }),
    ...(outputs === undefined || outputs.length === 0 ? undefined : { outputs: outputs.map((name) => ({ name })) }),
  };
}

function toResult(answer: InferAnswer): InferResult {
  const { outputs } = answer;
  const output = <Type extends Datatype>(name: string, datatype: Type): DatatypeValues[Type] => {
    const found = outputs.find((each) => each.name === name);
    if (found === undefined) {
      const names = outputs.map((each) => each.name).join(', ');
      throw new FlyballError('INVALID_TENSOR', `expected an output '${name}', got ${names === '' ? 'none' : names}`);
    }
    if (found.datatype !== datatype) {
      throw new FlyballError('INVALID_TENSOR', `output '${name}': expected ${datatype}, got ${found.datatype}`);
    }
    return toValues(found as Tensor & { readonly datatype: Type });
  };
  return {
    model: answer.model,
    version: answer.version,
    id: answer.id,
    parameters: answer.parameters ?? {},
    outputs,
    timing: parseServerTiming(answer.serverTiming),
    output,
    texts: (name) => output(name, 'BYTES').map((element) => Buffer.from(element).toString('utf8')),
  };
}

/** `queue;dur=0.5, compute;dur=1.5` → { queue: 0.5, compute: 1.5 } */
function parseServerTiming(header: string | undefined): Record<string, number> {
  const pairs: [string, number][] = [];
  for (const metric of header?.split(',') ?? []) {
    const match = /^\s*([\w-]+).*?;\s*dur=([\d.]+)/.exec(metric);
    if (match !== null) pairs.push([match[1]!, Number(match[2])]);
  }
  return Object.fromEntries(pairs);
}
