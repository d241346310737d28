/** What a warm-up measures, on a virtual clock and a processor that the test turns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import type { LoadedModel } from './runtime.ts';
import { warmUp } from './warm-up.ts';

test('a warm-up on a busy machine measures the processor time beside the time that passed', async () => {
  const clock = createVirtualClock();
  let usedMs = 0;
  const model: LoadedModel = {
    platform: 'hand',
    signature: { inputs: [], outputs: [], batchable: false },
    async run() {
      // Of 120 ms that pass, others have the core for 80.
      clock.pass(120);
      usedMs += 40;
      return { outputs: [], computeMs: 120 };
    },
    async warmed() {},
    onFailure() {},
    async [Symbol.asyncDispose]() {},
  };
  const settings = { batchSizes: [1], budgetMs: 10_000 };
  const { signal } = new AbortController();
  assert.deepEqual(await warmUp(model, [], settings, clock, signal, () => usedMs), [
    { rows: 1, ms: 120, processorMs: 40 },
  ]);
  assert.deepEqual(await warmUp(model, [], settings, clock, signal), [{ rows: 1, ms: 120 }]);
});
