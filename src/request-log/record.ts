/** What the gateway hands to the request log's thread about one request, and what a deployment wants logged. */
import type { Datatype } from '../protocol/tensor.ts';

/** As the routing table carries it. */
export interface RequestLogRoute {
  /** Share of the requests, 0 to 1. */
  readonly sample: number;
  readonly payload: 'none' | 'shapes' | 'data';
  /** Data of one record; of more, only the shapes are logged. */
  readonly bytesMax: number;
  readonly redact: Redaction;
}

export interface Redaction {
  /** Names of tensors; `*` is all, `file` the file of a request that has one, `readable` the readable answer. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly parameters: readonly string[];
  /** Places in JSON: `patient.name`, `entries.*.id`. */
  readonly json: readonly string[];
  readonly with: 'remove' | 'hash';
}

export interface LoggedTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** A copy of its own; absent where no data is logged. */
  readonly bytes?: Uint8Array;
}

export interface RequestRecord {
  /** Unix milliseconds of the arrival. */
  readonly at: number;
  readonly requestId: string;
  readonly id?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly deployment: string;
  readonly version?: string | undefined;
  readonly caller?: string | undefined;
  readonly replica?: string | undefined;
  readonly parameters?: Readonly<Record<string, string | number | bigint | boolean>> | undefined;
  readonly inputs?: readonly LoggedTensor[];
  readonly file?: {
    readonly contentType?: string | undefined;
    readonly byteLength: number;
    readonly bytes?: Uint8Array;
  };
  readonly outputs?: readonly LoggedTensor[];
  readonly readable?: unknown;
  /** Data that was left out for its size, in bytes. */
  readonly omittedBytes?: number;
  /** Milliseconds. */
  readonly timing: {
    readonly totalMs: number;
    readonly queueMs?: number;
    readonly computeMs?: number;
    readonly batchSize?: number;
  };
  readonly error?: { readonly code: string; readonly message?: string };
}

export interface LogMessage {
  readonly record: RequestRecord;
  readonly redact: Redaction;
  /** What it counts against the buffer. */
  readonly bytes: number;
}

/** Thread → gateway: so much has been dealt with, `lost` records of it for nothing. */
export interface LogConfirmation {
  readonly records: number;
  readonly bytes: number;
  readonly lost: number;
  readonly trouble?: string;
}

export interface SinkSettings {
  readonly folder: string;
  readonly worker: number;
  readonly fileBytesMax: number;
  /** Of all files of this worker. */
  readonly totalBytesMax: number;
  readonly url?: string | undefined;
  readonly timeoutMs: number;
  /** Where the key for hashes is kept. */
  readonly keyPath: string;
}
