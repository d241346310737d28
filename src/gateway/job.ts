/**
 * One request on its way through the gateway.
 *
 *   waiting ──batch──▶ running ──answer──▶ ended
 *      │                 │ ▲──rerun──┘ (after a death or a failed batch)
 *      └──hang-up, deadline, refusal──▶ ended
 *
 * Invariant: `resolve` or `reject` is called once, on entering `ended`. A job that ended at its deadline while running
 * leaves its slot only when the work has really ended.
 */
import type { Place } from '../core/queueing/queue.ts';
import type { HangUpSignal } from '../protocol/hang-up.ts';
import type { InferenceRequest, InferenceResponse, ReplicaCall } from '../protocol/inference.ts';
import type { Tensor } from '../protocol/tensor.ts';

export interface Submission {
  readonly request: InferenceRequest;
  /** In the order of the signature. */
  readonly inputs: readonly Tensor[];
  readonly arrivedAt: number;
  readonly deadlineAt: number;
  readonly priority: number;
}

export class Job {
  readonly request: InferenceRequest;
  readonly payload: 'tensors' | 'files';
  /** In the order of the model's signature, so that batches line up; empty for a file. */
  readonly inputs: readonly Tensor[];
  readonly rows: number;
  readonly priority: number;
  readonly arrivedAt: number;
  readonly deadlineAt: number;
  readonly signal: HangUpSignal;
  readonly resolve: (response: InferenceResponse) => void;
  readonly reject: (error: Error) => void;
  /** Filled when it must wait: a request that is sent at once needs no key. */
  key = '';
  heapIndex = -1;
  place: Place | undefined = undefined;
  state: 'waiting' | 'running' | 'ended' = 'waiting';
  startedAt = 0;
  retried = false;
  /** The last that it was part of. */
  call: ReplicaCall | undefined = undefined;
  onAbort: (() => void) | undefined = undefined;

  constructor(
    request: InferenceRequest,
    inputs: readonly Tensor[],
    rows: number,
    times: Pick<Submission, 'arrivedAt' | 'deadlineAt' | 'priority'>,
    signal: HangUpSignal,
    settle: { readonly resolve: (response: InferenceResponse) => void; readonly reject: (error: Error) => void },
  ) {
    this.request = request;
    this.payload = request.payload.kind === 'file' ? 'files' : 'tensors';
    this.inputs = inputs;
    this.rows = rows;
    this.priority = times.priority;
    this.arrivedAt = times.arrivedAt;
    this.deadlineAt = times.deadlineAt;
    this.signal = signal;
    this.resolve = settle.resolve;
    this.reject = settle.reject;
  }
}

/** What two requests must have in common to share a call: the payload's kind, the wanted outputs, the trailing shapes. */
export function compatibilityKey(job: Job): string {
  let key: string = job.rows === 0 ? 'empty' : job.payload;
  if (job.request.readableOnly === true) key += ' read';
  for (const output of job.request.outputs ?? []) key += `\n${output.name}`;
  for (const input of job.inputs) {
    key += `\u0000${input.name}\n${input.datatype}`;
    for (let axis = 1; axis < input.shape.length; axis += 1) key += `,${input.shape[axis]}`;
  }
  return key;
}
