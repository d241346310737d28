/**
 * Does a request with an Idempotency-Key once: the key is in the store before anything is done, and its answer after it.
 * Invariant: whatever dies in between, the same key of the same caller never acts twice.
 */
import type { Clock } from '../../clock.ts';
import { FlyballError, toFlyballError } from '../../errors.ts';
import type { RequestAnswer, StoreAccess } from '../../store/store.ts';
import { publish } from '../../telemetry/events.ts';
import { judge } from './judge.ts';

export type RequestMemory = Pick<StoreAccess, 'request' | 'beginRequest' | 'endRequest' | 'removeRequest'>;

export interface KeyedRequest {
  /** Id of the API key, or empty. */
  readonly caller: string;
  readonly key: string;
  readonly fingerprint: string;
  /** Its answer holds what is kept nowhere. */
  readonly isSecret: boolean;
}

export interface Once {
  /** What `act` returns, or what it returned or threw the first time. Throws what `judge` throws. */
  (request: KeyedRequest, act: () => Promise<unknown>): Promise<{ readonly value: unknown; readonly isAgain: boolean }>;
}

/** Characters of an answer's JSON. */
const answerMax = 65_536;

export function doOnce(memoryOf: () => RequestMemory, clock: Clock): Once {
  const running = new Set<string>();

  return async ({ caller, key, fingerprint, isSecret }, act) => {
    const name = JSON.stringify([caller, key]);
    const at = clock.wall();
    const isRunning = running.has(name);
    const record = { caller, key, at, fingerprint };
    const memory = memoryOf();
    // Before anything is waited for: whoever comes next finds it here although it is not in the store yet.
    running.add(name);
    try {
      if (isRunning || !(await memory.beginRequest(record))) {
        const found = await memory.request(caller, key);
        const judged = judge(found ?? (isRunning ? record : undefined), { fingerprint, at, isRunning });
        if (judged.kind === 'again') return { value: valueOf(judged.answer), isAgain: true };
        await memory.removeRequest(caller, key);
        await memory.beginRequest(record);
      }
      return { value: await actAndKeep(), isAgain: false };
    } finally {
      if (!isRunning) running.delete(name);
    }

    async function actAndKeep(): Promise<unknown> {
      let value: unknown;
      try {
        value = await act();
      } catch (thrown) {
        const { code, message, retry } = toFlyballError(thrown);
        // What may be asked again unchanged was not done.
        if (retry) await quietly(() => memory.removeRequest(caller, key));
        else await keep({ kind: 'failed', code, message });
        throw thrown;
      }
      const isShort = JSON.stringify(value ?? null).length <= answerMax;
      await keep(isSecret || !isShort ? { kind: 'unkept' } : { kind: 'done', value: value ?? null });
      return value;
    }

    function keep(answer: RequestAnswer): Promise<void> {
      return quietly(() => memory.endRequest({ ...record, answer }));
    }
  };
}

/** It has been done: who asked for it is told so, whatever the disk says. Asked again, nobody will know. */
async function quietly(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const { message } = toFlyballError(error);
    publish('flyball:fault', { where: 'keeping the answer of a request', message, error });
  }
}

function valueOf(answer: Exclude<RequestAnswer, { kind: 'unkept' }>): unknown {
  if (answer.kind === 'done') return answer.value;
  throw new FlyballError(answer.code, answer.message);
}
