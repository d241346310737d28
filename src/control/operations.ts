/**
 * Operations: what somebody asked for, the steps that it took with their durations, and how it ended. They are kept in
 * the store, so that one that was running when control died is taken up by the next.
 * Invariant: an operation ends exactly once, and every waiter is answered.
 */
import { randomUUID } from 'node:crypto';
import { toProblem } from '../api/problems.ts';
import type { OperationView, Problem } from '../api/schemas.ts';
import type { Clock } from '../clock.ts';
import { FlyballError } from '../errors.ts';
import type { OperationQuery, OperationRecord, Store, StoreAccess } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';

export interface OperationRequest {
  /** Deployments whose settling ends the operation. */
  readonly deployments: readonly string[];
}

export interface RunningOperation {
  readonly id: string;
  readonly kind: OperationView['kind'];
  readonly deployments: readonly string[];
  readonly startedAt: number;
  view(): OperationView;
  /** Something that happened at once, or has ended: `durationMs` when it is known. */
  step(text: string, state: 'ok' | 'failed', durationMs?: number): void;
  /** Something that takes time, ended by the function returned. */
  begin(text: string): (state: 'ok' | 'failed', text?: string, durationMs?: number) => void;
  /** The rehearsal that came of it. */
  keptAs(rehearsal: string): void;
  end(error?: Problem): void;
}

export interface Operations {
  /** The change and the operation that follows it are one transaction: after a kill there are both, or neither. */
  start(
    options: {
      readonly kind: OperationView['kind'];
      readonly subject: string;
      readonly by: string;
      readonly deployments: readonly string[];
    },
    change: (access: StoreAccess) => Promise<void>,
  ): Promise<RunningOperation>;
  running(): readonly RunningOperation[];
  /** Those that an earlier control did not finish. */
  resume(): Promise<void>;
  list(query: OperationQuery): Promise<readonly OperationView[]>;
  wait(id: string, after: number | undefined, waitMs: number, signal: AbortSignal): Promise<OperationView>;
  /** Everything written so far is durable. */
  flushed(): Promise<void>;
}

const kept = 200;
const stepsMax = 500;
export const waitMsMax = 30_000;

/** What was computed is lost; nobody's replicas wait for it. */
const interrupted = toProblem(
  new FlyballError('REHEARSAL_ENDED', 'control was restarted, and the rehearsal ended with it; run it again'),
);

export function openOperations(store: Store, clock: Clock): Operations {
  const live = new Map<string, { record: OperationRecord; readonly running: RunningOperation }>();
  const waiters = new Map<string, Set<() => void>>();
  let writing: Promise<void> = Promise.resolve();

  function changed(record: OperationRecord): void {
    for (const wake of waiters.get(record.id) ?? []) wake();
    writing = writing
      .then(() => store.putOperation(record))
      .catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        publish('flyball:fault', { where: `recording operation ${record.id}`, message, error });
      });
  }

  async function prune(): Promise<void> {
    await writing;
    try {
      await store.pruneOperations(kept);
    } catch {
      // Told by whatever is written next; a list that is too long for a while harms nobody.
    }
  }

  function track(first: OperationRecord): RunningOperation {
    const { id } = first;
    let last = first;
    const change = (update: (before: OperationRecord) => OperationRecord): void => {
      const entry = live.get(id);
      if (entry === undefined || entry.record.state !== 'running') return;
      entry.record = update(entry.record);
      last = entry.record;
      changed(entry.record);
    };
    const running: RunningOperation = {
      id,
      kind: first.kind,
      deployments: (first.request as OperationRequest).deployments,
      startedAt: first.startedAt,
      view: () => toView(last),
      step(text, state, durationMs) {
        const startedAt = clock.wall() - (durationMs ?? 0);
        const step = {
          text,
          state,
          startedAt,
          ...(durationMs === undefined ? {} : { durationMs: Math.round(durationMs) }),
        };
        change((before) => (before.steps.length < stepsMax ? { ...before, steps: [...before.steps, step] } : before));
      },
      begin(text) {
        const startedAt = clock.wall();
        const began = clock.now();
        let index = -1;
        change((before) => {
          if (before.steps.length >= stepsMax) return before;
          index = before.steps.length;
          return { ...before, steps: [...before.steps, { text, state: 'running', startedAt }] };
        });
        return (state, endText, durationMs) =>
          change((before) => ({
            ...before,
            steps: before.steps.map((step, at) =>
              at === index && step.state === 'running'
                ? { ...step, text: endText ?? text, state, durationMs: Math.round(durationMs ?? clock.now() - began) }
                : step,
            ),
          }));
      },
      keptAs: (rehearsal) => change((before) => ({ ...before, rehearsal })),
      end(error) {
        const endedAt = clock.wall();
        const { kind, subject, by } = first;
        const reason = error === undefined ? 'succeeded' : `failed: ${error.detail}`;
        change((before) => ({
          ...before,
          state: error === undefined ? 'succeeded' : 'failed',
          endedAt,
          ...(error === undefined ? {} : { error }),
          // Nothing runs any more: what was under way was overtaken.
          steps: before.steps.map((step) =>
            step.state === 'running' ? { ...step, state: error === undefined ? 'ok' : 'failed' } : step,
          ),
        }));
        live.delete(id);
        publish('flyball:control', { action: `${kind} ended`, subject, by, reason });
        void prune();
      },
    };
    live.set(id, { record: first, running });
    return running;
  }

  const find = async (id: string): Promise<OperationView> => {
    const current = live.get(id);
    if (current !== undefined) return toView(current.record);
    await writing;
    const record = await store.operation(id);
    if (record === undefined) throw new FlyballError('OPERATION_NOT_FOUND', `there is no operation ${id}`);
    return toView(record);
  };

  return {
    async start({ kind, subject, by, deployments }, change) {
      const request: OperationRequest = { deployments };
      const startedAt = clock.wall();
      const id = randomUUID().slice(0, 13);
      const record: OperationRecord = { id, kind, subject, state: 'running', by, startedAt, steps: [], request };
      await store.transaction(async (access) => {
        await change(access);
        await access.putOperation(record);
      });
      const running = track(record);
      publish('flyball:control', { action: kind, subject, by, reason: `operation ${id}` });
      return running;
    },
    running: () => [...live.values()].map(({ running }) => running),
    async resume() {
      for (const record of await store.operations({ state: 'running' })) {
        const running = track(record);
        if (record.kind === 'rehearse') running.end(interrupted);
        else running.step('control was restarted and takes this up again', 'ok');
      }
    },
    async list(query) {
      await writing;
      return (await store.operations(query)).map(toView);
    },
    async wait(id, after, waitMs, signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Before it is looked up: what happened in between would be waited for in vain.
      const set = waiters.get(id) ?? new Set();
      waiters.set(id, set.add(resolve));
      try {
        const first = await find(id);
        if (first.state !== 'running' || (after !== undefined && first.steps.length > after) || waitMs <= 0)
          return first;
        const cancel = clock.after(Math.min(waitMs, waitMsMax), resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (signal.aborted) resolve();
        await promise;
        cancel();
        return await find(id);
      } finally {
        set.delete(resolve);
        if (set.size === 0) waiters.delete(id);
      }
    },
    flushed: () => writing,
  };
}

function toView(record: OperationRecord): OperationView {
  const { request: _, ...view } = record;
  return view;
}
