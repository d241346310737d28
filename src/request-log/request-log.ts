/**
 * The request log's side in a gateway worker: which requests are logged, the copy that is made of them once they have
 * been answered, and the bound on what waits for the thread that writes. It never waits for anything: what finds no room
 * is counted and gone. Nothing of it exists until the first request is to be logged.
 */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { toFlyballError } from '../errors.ts';
import { modulePath } from '../module-path.ts';
import type { InferenceRequest, InferenceResponse } from '../protocol/inference.ts';
import type { Tensor } from '../protocol/tensor.ts';
import { publish } from '../telemetry/events.ts';
import type { Registry } from '../telemetry/registry.ts';
import type {
  LogConfirmation,
  LoggedTensor,
  LogMessage,
  RequestLogRoute,
  RequestRecord,
  SinkSettings,
} from './record.ts';

export interface RequestLog {
  /** Whether this request is one of those that are logged. */
  samples(route: RequestLogRoute): boolean;
  record(route: RequestLogRoute, request: InferenceRequest, at: Times, end: RequestEnd): void;
  /** Everything that waits is written, or the deadline is over. */
  close(signal: AbortSignal): Promise<void>;
}

export interface Times {
  readonly arrivedAt: number;
  readonly totalMs: number;
}

export type RequestEnd =
  | { readonly kind: 'answered'; readonly response: InferenceResponse }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Where messages go: the thread, or a test's own. */
export interface LogThread {
  post(message: LogMessage, transfer: readonly ArrayBuffer[]): void;
  onConfirmation(listener: (confirmation: LogConfirmation) => void): void;
  /** It has ended by itself. */
  onEnd(listener: (reason: string) => void): void;
  close(signal: AbortSignal): Promise<void>;
}

export interface RequestLogOptions {
  readonly registry: Registry;
  readonly clock: Pick<Clock, 'now'>;
  /** Uniform in [0, 1). */
  readonly chance: () => number;
  readonly bufferBytesMax: number;
  readonly start: () => LogThread;
}

/** What a record counts besides its data. */
const recordBytes = 1024;
/** A thread that ended by itself is not started again before this. */
const restartMs = 10_000;
/** A sink in trouble is told of this often. */
const tellEveryMs = 60_000;

export function openRequestLog(options: RequestLogOptions): RequestLog {
  const { registry, clock } = options;
  const written = registry.counter({
    name: 'flyball_request_log_records_total',
    help: 'Records of the request log that were written.',
    labels: [],
  })();
  const dropped = registry.counter({
    name: 'flyball_request_log_dropped_total',
    help: 'Records of the request log that were dropped: the buffer was full, or the sink failed.',
    labels: ['reason'],
  });
  let thread: LogThread | undefined;
  let startAgainAt = Number.NEGATIVE_INFINITY;
  let toldAt = Number.NEGATIVE_INFINITY;
  let waitingBytes = 0;
  let waitingRecords = 0;
  let closed = false;

  function tell(message: string): void {
    if (clock.now() - toldAt < tellEveryMs) return;
    toldAt = clock.now();
    publish('flyball:fault', { where: 'request log', message });
  }

  function running(): LogThread | undefined {
    if (thread !== undefined || closed || clock.now() < startAgainAt) return thread;
    const started = options.start();
    thread = started;
    started.onConfirmation(({ records, bytes, lost, trouble }) => {
      waitingRecords -= records;
      waitingBytes -= bytes;
      written.value += records - lost;
      if (lost > 0) dropped('sink').value += lost;
      if (trouble !== undefined) tell(`records could not be written: ${trouble}`);
    });
    started.onEnd((reason) => {
      if (thread !== started) return;
      thread = undefined;
      startAgainAt = clock.now() + restartMs;
      dropped('sink').value += waitingRecords;
      waitingRecords = 0;
      waitingBytes = 0;
      tell(`its thread ended: ${reason}`);
    });
    return thread;
  }

  return {
    samples: ({ sample }) => sample >= 1 || options.chance() < sample,
    record(route, request, times, end) {
      const made = toRecord(route, request, times, end);
      if (closed || waitingBytes + made.bytes > options.bufferBytesMax) {
        dropped('buffer').value += 1;
        return;
      }
      const to = running();
      if (to === undefined) {
        dropped('sink').value += 1;
        return;
      }
      waitingBytes += made.bytes;
      waitingRecords += 1;
      const { record, transfer } = made.copy();
      to.post({ record, redact: route.redact, bytes: made.bytes }, transfer);
    },
    async close(signal) {
      closed = true;
      await thread?.close(signal);
    },
  };
}

interface Made {
  /** What it would count; known before anything is copied. */
  readonly bytes: number;
  copy(): { readonly record: RequestRecord; readonly transfer: readonly ArrayBuffer[] };
}

function toRecord(route: RequestLogRoute, request: InferenceRequest, times: Times, end: RequestEnd): Made {
  const { payload } = request;
  const { redact } = route;
  const inputs = payload.kind === 'tensors' ? payload.inputs : [];
  const response = end.kind === 'answered' ? end.response : undefined;
  const outputs = response?.outputs ?? [];
  const isRemoved = (list: readonly string[], name: string): boolean =>
    redact.with === 'remove' && (list.includes(name) || list.includes('*'));
  const sizeOf = (tensors: readonly Tensor[], hidden: readonly string[]): number =>
    tensors.reduce((sum, { name, bytes }) => sum + (isRemoved(hidden, name) ? 0 : bytes.byteLength), 0);
  const fileBytes = payload.kind === 'file' && !isRemoved(redact.inputs, 'file') ? payload.bytes.byteLength : 0;
  const dataBytes =
    route.payload === 'data' ? sizeOf(inputs, redact.inputs) + sizeOf(outputs, redact.outputs) + fileBytes : 0;
  const isOver = dataBytes > route.bytesMax;
  const withData = route.payload === 'data' && !isOver;

  const copy = (): ReturnType<Made['copy']> => {
    const transfer: ArrayBuffer[] = [];
    const own = (bytes: Uint8Array): Uint8Array => {
      // A view of a larger buffer would take all of that along.
      const copied = new Uint8Array(bytes);
      transfer.push(copied.buffer);
      return copied;
    };
    const logged = (tensors: readonly Tensor[], hidden: readonly string[]): LoggedTensor[] =>
      tensors.map(({ name, datatype, shape, bytes }) => ({
        name,
        datatype,
        shape,
        ...(withData && !isRemoved(hidden, name) ? { bytes: own(bytes) } : {}),
      }));
    const { timing } = response ?? {};
    const shown = route.payload !== 'none';
    const record: RequestRecord = {
      at: times.arrivedAt,
      requestId: request.requestId,
      ...(request.id === undefined ? {} : { id: request.id }),
      ...(request.traceparent === undefined ? {} : { traceparent: request.traceparent }),
      deployment: request.model,
      version: response?.version ?? request.version,
      ...(request.caller === undefined ? {} : { caller: request.caller }),
      ...(timing?.replica === undefined ? {} : { replica: timing.replica }),
      ...(withData && request.parameters !== undefined ? { parameters: request.parameters } : {}),
      ...(shown && payload.kind === 'tensors' ? { inputs: logged(inputs, redact.inputs) } : {}),
      ...(shown && payload.kind === 'file'
        ? {
            file: {
              ...(payload.contentType === undefined ? {} : { contentType: payload.contentType }),
              byteLength: payload.bytes.byteLength,
              ...(withData && fileBytes > 0 ? { bytes: own(payload.bytes) } : {}),
            },
          }
        : {}),
      ...(shown && response !== undefined ? { outputs: logged(outputs, redact.outputs) } : {}),
      ...(withData && response?.readable !== undefined ? { readable: response.readable } : {}),
      ...(isOver ? { omittedBytes: dataBytes } : {}),
      timing: {
        totalMs: times.totalMs,
        ...(timing === undefined
          ? {}
          : { queueMs: timing.queueMs, computeMs: timing.computeMs, batchSize: timing.batchSize }),
      },
      ...(end.kind === 'failed' ? { error: errorOf(end.error, withData && isOpen(redact)) } : {}),
    };
    return { record, transfer };
  };
  return { bytes: recordBytes + (withData ? dataBytes : 0), copy };
}

const isOpen = ({ inputs, outputs, parameters, json }: RequestLogRoute['redact']): boolean =>
  [inputs, outputs, parameters, json].every((list) => list.length === 0);

/** Words of an error may repeat what was sent, so they are logged only where all of that is. */
function errorOf(thrown: unknown, withWords: boolean): NonNullable<RequestRecord['error']> {
  const { code, message } = toFlyballError(thrown);
  return withWords ? { code, message } : { code };
}

export function startLogThread(settings: SinkSettings): LogThread {
  const worker = new Worker(modulePath(import.meta.url, './thread'), { workerData: settings, name: 'request log' });
  // A gateway that has nothing else to do may end.
  worker.unref();
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  return {
    post: (message, transfer) => worker.postMessage(message, [...transfer]),
    onConfirmation: (listener) => void worker.on('message', listener),
    onEnd(listener) {
      worker.on('error', (error: Error) => listener(error.message));
      worker.on('exit', (code) => listener(`exit code ${code}`));
    },
    async close(signal) {
      worker.ref();
      worker.postMessage('close', []);
      const late = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (signal.aborted) resolve();
      });
      await Promise.race([ended, late]);
      await worker.terminate();
    },
  };
}
