/**
 * The one meaning behind REST, gRPC and TorchServe's paths: an inference request, its answer, and the service that
 * turns one into the other. The gateway implements the service with a queue in front of replicas, a runner alone
 * implements it directly; the protocol adapters know only this file.
 */
import type { HangUpSignal } from './hang-up.ts';
import type { Management, ManagementCaller } from './management.ts';
import type { ModelSignature, Tensor } from './tensor.ts';

export type ParameterValue = string | number | bigint | boolean;
export type Parameters = Readonly<Record<string, ParameterValue>>;

export interface RequestedOutput {
  readonly name: string;
  readonly parameters?: Parameters;
}

/** What to infer on: tensors, or one encoded file (an image) that the runner's declared pipeline turns into tensors. */
export type InferencePayload =
  | { readonly kind: 'tensors'; readonly inputs: readonly Tensor[] }
  | { readonly kind: 'file'; readonly bytes: Uint8Array; readonly contentType?: string };

export interface InferenceRequest {
  readonly model: string;
  /** As in the path or the gRPC field; absent means the version that the deployment serves. */
  readonly version?: string;
  /** The caller's id, echoed back. */
  readonly id?: string;
  readonly payload: InferencePayload;
  /** Names of the wanted outputs; absent or empty means all. */
  readonly outputs?: readonly RequestedOutput[];
  /** For a file: of a model with an output stage only the readable answer is wanted; its tensors may be megabytes. */
  readonly readableOnly?: boolean;
  readonly parameters?: Parameters;
  /** Milliseconds from now within which the answer must be there; from the gRPC deadline, `timeout` (µs) or `Flyball-Deadline-Ms`. */
  readonly deadlineMs?: number;
  /** 1 is the most urgent; absent means the deployment's default. */
  readonly priority?: number;
  /** Generated at the door when the caller sent none; in every log line. */
  readonly requestId: string;
  /** Name of the caller's API key, where keys are asked for. */
  readonly caller?: string;
  /** W3C trace context of the caller, where it came and was valid; passed on as it is. */
  readonly traceparent?: string;
  /** Of the caller's trace, or made at the door. */
  readonly traceId?: string;
}

/** What is known of a request before its body is there. */
export interface RequestHead {
  readonly model: string;
  readonly version?: string | undefined;
  readonly payload: 'tensors' | 'file';
  /** As in {@link InferenceRequest}. */
  readonly deadlineMs?: number | undefined;
  /** The body cannot give another deadline or priority. */
  readonly final: boolean;
}

/** Where an answer's time went, in milliseconds. */
export interface InferenceTiming {
  readonly queueMs: number;
  readonly computeMs: number;
  readonly totalMs: number;
  /** Rows of the batch it ran in. */
  readonly batchSize: number;
  readonly replica?: string;
  /** Where there is a queue: when it was handed to it, in monotonic milliseconds, and the call that answered it. */
  readonly arrivedAt?: number;
  readonly call?: ReplicaCall;
  /** From the call's way out to its answer; of that, behind others in the replica, and for decoding. */
  readonly callMs?: number;
  readonly waitMs?: number;
  readonly inputMs?: number;
}

/** How far a request got that failed on its way. Milliseconds; `arrivedAt` is monotonic. */
export interface UnfinishedTiming {
  readonly version: string;
  readonly arrivedAt: number;
  readonly queueMs: number;
  readonly totalMs: number;
  /** Of the last call that it was part of. */
  readonly call?: ReplicaCall;
  readonly callMs?: number;
}

/** A call of a replica as those who were part of it remember it; it holds none of their bytes. */
export interface ReplicaCall {
  /** Counted in this process. */
  readonly number: number;
  readonly replica: string;
  readonly rows: number;
  readonly requests: number;
  /** Monotonic milliseconds. */
  readonly sentAt: number;
  /** Trace ids of all its requests in their order; empty of one that has none. */
  readonly traces: readonly string[];
}

export interface InferenceResponse {
  readonly model: string;
  readonly version: string;
  readonly id?: string;
  readonly outputs: readonly Tensor[];
  readonly parameters?: Parameters;
  /** A pipeline's readable answer (labels with scores, text); present for file payloads with a declared output stage. */
  readonly readable?: unknown;
  readonly timing: InferenceTiming;
}

/** How a deployment serves its version, for clients that plan by it. */
export interface ServingSettings {
  readonly batching: { readonly sizeMax: number | 'auto'; readonly delayMs: number };
  readonly queue: { readonly lengthMax: number; readonly priorityLevels: number; readonly priorityDefault: number };
  readonly deadline: { readonly defaultMs: number; readonly maxMs: number };
  /** Ready now. */
  readonly replicas: number;
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  /** `<project>_<format>`, for instance onnxruntime_onnx. */
  readonly platform: string;
  readonly signature: ModelSignature;
  /** Absent for a replica on its own: it has no queue. */
  readonly settings?: ServingSettings;
  readonly properties?: Readonly<Record<string, string>>;
}

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
  /** Of this server's logs. */
  readonly logLevel?: string;
}

export interface RepositoryEntry {
  readonly name: string;
  readonly version?: string;
  readonly state: 'READY' | 'UNAVAILABLE' | 'LOADING' | 'UNLOADING';
  readonly reason: string;
}

export interface DurationStatistic {
  readonly count: number;
  readonly ns: number;
}

/** Calls of the runtime with one number of rows. */
export interface BatchStatistic {
  readonly size: number;
  readonly computeInput: DurationStatistic;
  readonly computeInfer: DurationStatistic;
  readonly computeOutput: DurationStatistic;
}

/** Figures since the version was first served; Triton's statistics extension prints them. */
export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  /** Unix milliseconds; 0 when there was none. */
  readonly lastInferenceAt: number;
  /** Rows inferred. */
  readonly inferenceCount: number;
  /** Calls of the runtime. */
  readonly executionCount: number;
  readonly success: DurationStatistic;
  readonly fail: DurationStatistic;
  readonly queue: DurationStatistic;
  readonly computeInput: DurationStatistic;
  readonly computeInfer: DurationStatistic;
  readonly computeOutput: DurationStatistic;
  /** Smallest first; absent where it is not counted. */
  readonly batches?: readonly BatchStatistic[];
}

/**
 * Every method throws a {@link FlyballError} of the catalogue: MODEL_NOT_FOUND, VERSION_NOT_FOUND, MODEL_NOT_READY, …
 */
export interface InferenceService {
  server(): ServerMetadata;
  live(): boolean;
  ready(): boolean;
  metadata(model: string, version?: string): ModelMetadata;
  modelReady(model: string, version?: string): boolean;
  index(): readonly RepositoryEntry[];
  /** Of all gateway workers together. */
  statistics(model?: string, version?: string): Promise<readonly ModelStatistics[]>;
  /**
   * Throws what `infer` would reject with now, whatever the body says, so that a refused body is nobody's work; a refusal
   * counts as one of `infer` does. Whom it lets pass is expected for a moment, so that not all who come while one body is
   * on its way are let pass for the one place: the returned function says that the body is there, or will not come.
   * Absent where every body is read.
   */
  readonly expect?: (head: RequestHead) => () => void;
  /** A hang-up takes the request out of the queue; what runs already is run to its end. */
  infer(request: InferenceRequest, signal: HangUpSignal): Promise<InferenceResponse>;
  /** The way to control, for callers who may manage; absent where there is no control. UNAUTHENTICATED, FORBIDDEN. */
  readonly management?: (caller: ManagementCaller) => Management;
}
