/**
 * Waits for an operation of control and tells its steps as they end. It always ends: with the operation, with the
 * time given (TIMED_OUT; the operation goes on), or with the signal. Each step is told once, in order.
 */
import type { OperationStep, OperationView } from '../api/schemas.ts';
import { catalogue, FlyballError, type ErrorCode } from '../errors.ts';
import type { ControlClient } from './control-client.ts';

/** How long one long poll may hang on the server: a step that ended between two polls is seen after this at the latest. */
const pollMs = 1000;

export interface Following {
  readonly timeoutMs: number;
  /** Called once for each step that has ended. */
  readonly onStep: (step: OperationStep) => void;
  /** Called for a step that is still running after a second, at most once a step. */
  readonly onSlow?: (step: OperationStep) => void;
}

/** What takes longer is told before it ends. */
const slowMs = 1000;

export async function followOperation(
  client: ControlClient,
  started: OperationView,
  following: Following,
  signal: AbortSignal,
): Promise<OperationView> {
  const deadline = performance.now() + following.timeoutMs;
  const told = new Set<number>();
  const timers = new Map<number, NodeJS.Timeout>();
  using cleanUp = new DisposableStack();
  cleanUp.defer(() => timers.forEach((timer) => clearTimeout(timer)));
  let operation = started;
  for (;;) {
    for (const [index, step] of operation.steps.entries()) {
      if (step.state === 'running') {
        if (!timers.has(index))
          timers.set(
            index,
            setTimeout(() => following.onSlow?.(step), slowMs),
          );
      } else if (!told.has(index)) {
        told.add(index);
        clearTimeout(timers.get(index));
        following.onStep(step);
      }
    }
    if (operation.state !== 'running') return operation;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) {
      const running = operation.steps.find((step) => step.state === 'running');
      throw new FlyballError(
        'TIMED_OUT',
        `${operation.kind} ${operation.subject} did not end within ${following.timeoutMs / 1000} s` +
          (running === undefined ? '' : `; it is at: ${running.text}`),
      );
    }
    const waitMs = Math.max(1, Math.round(Math.min(pollMs, leftMs)));
    operation = await client.operation(operation.id, operation.steps.length, waitMs, signal);
  }
}

/** The error that a failed operation carries, as if it had been thrown here. */
export function operationError(operation: OperationView): FlyballError {
  const problem = operation.error;
  const code =
    problem !== undefined && Object.hasOwn(catalogue, problem.code) ? (problem.code as ErrorCode) : 'INTERNAL';
  return new FlyballError(code, problem?.detail ?? `${operation.kind} ${operation.subject} failed and did not say why`);
}
