/**
 * The client of the Open Inference Protocol V2, published as flyball/client: Flyball, Triton, KServe and whatever else
 * speaks it, over HTTP (JSON or binary tensors) or gRPC. It is not a control client. Invariant: a call is sent twice
 * only when it is certain, or declared by the caller, that the first cannot have been computed.
 */
import type {
  ModelMetadata,
  ModelStatistics,
  Parameters,
  RepositoryEntry,
  ServerMetadata,
} from '../protocol/inference.ts';
import type { Datatype, Tensor } from '../protocol/tensor.ts';

export interface ClientOptions {
  /** `http://host:8000`, `https://…`, `grpc://host:8001`, `grpcs://…`, `http+unix:///path/to.sock`. */
  readonly url: string;
  /** Absent: read from the URL. */
  readonly transport?: 'http' | 'grpc';
  /** Sent as `Authorization: Bearer …`. */
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** For each call, attempts and waits included; 30 000 by default. */
  readonly timeoutMs?: number;
  /** Further attempts at most, where that is safe; 2 by default. */
  readonly retries?: number;
  /** Tensors over HTTP; `binary` by default, `json` for servers without the extension. */
  readonly encoding?: 'json' | 'binary';
  /** Bytes of an answer at most; 256 MiB by default. */
  readonly responseBytesMax?: number;
  /** Ends every call and closes the client. */
  readonly signal?: AbortSignal;
}

export interface InferOptions {
  readonly model: string;
  readonly version?: string;
  readonly id?: string;
  readonly inputs: readonly Tensor[];
  /** Names of the wanted outputs; absent means all. */
  readonly outputs?: readonly string[];
  readonly parameters?: Parameters;
  /** 1 is the most urgent. */
  readonly priority?: number;
  readonly timeoutMs?: number;
  /** Allows a second attempt after a failure that leaves open whether the first was computed. */
  readonly idempotent?: boolean;
  readonly requestId?: string;
  readonly traceparent?: string;
}

/** JavaScript values of a datatype, as given to {@link tensor} and read from a result. */
export interface DatatypeValues {
  BOOL: boolean[];
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  FP16: Float16Array;
  FP32: Float32Array;
  FP64: Float64Array;
  /** The upper halves of FP32 values. */
  BF16: Uint16Array;
  BYTES: Uint8Array[];
}

export interface InferResult {
  readonly model: string;
  readonly version: string | undefined;
  readonly id: string | undefined;
  readonly parameters: Parameters;
  readonly outputs: readonly Tensor[];
  /** Milliseconds as the server reports them, where it does. */
  readonly timing: { readonly queueMs?: number; readonly computeMs?: number; readonly totalMs?: number };
  /** The values of an output; throws INVALID_TENSOR when it is not there or has another datatype. */
  output<Type extends Datatype>(name: string, datatype: Type): DatatypeValues[Type];
}

export interface InferenceClient extends AsyncDisposable {
  live(signal?: AbortSignal): Promise<boolean>;
  ready(signal?: AbortSignal): Promise<boolean>;
  serverMetadata(signal?: AbortSignal): Promise<ServerMetadata>;
  modelMetadata(model: string, version?: string, signal?: AbortSignal): Promise<ModelMetadata>;
  modelReady(model: string, version?: string, signal?: AbortSignal): Promise<boolean>;
  infer(request: InferOptions, signal?: AbortSignal): Promise<InferResult>;
  repositoryIndex(signal?: AbortSignal): Promise<readonly RepositoryEntry[]>;
  statistics(model?: string, version?: string, signal?: AbortSignal): Promise<readonly ModelStatistics[]>;
  close(): Promise<void>;
}

export function openClient(_options: ClientOptions): InferenceClient {
  throw new Error('under construction');
}
