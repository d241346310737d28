import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock, type Clock } from '../../clock.ts';
import { runtimeConformance } from '../../testing/conformance/runtime.ts';
import { loadSimulated } from './simulated.ts';

const { signal } = new AbortController();

runtimeConformance({
  name: 'simulated',
  platform: 'simulated',
  load: (signature, signal) => loadSimulated({ signature, serviceMs: 0, serviceMsPerRow: 0 }, signal),
  unsupported: {},
});

describe('the simulated runtime', () => {
  const spec = { name: 'x', datatype: 'FP32', shape: [-1, 2] } as const;
  const input = (rows: number) =>
    ({ name: 'x', datatype: 'FP32', shape: [rows, 2], bytes: new Uint8Array(rows * 8) }) as const;

  it('takes serviceMs and serviceMsPerRow for each row, one call at a time', async () => {
    let now = 0;
    const waits: number[] = [];
    const clock: Clock = {
      now: () => now,
      wall: () => now,
      after(ms, callback) {
        waits.push(ms);
        now += ms;
        queueMicrotask(callback);
        return () => {};
      },
    };
    const signature = { inputs: [spec], outputs: [{ ...spec, name: 'y' }], batchable: true };
    await using model = await loadSimulated({ signature, serviceMs: 5, serviceMsPerRow: 2 }, signal, clock);
    const results = await Promise.all([model.run([input(1)]), model.run([input(4)])]);
    assert.deepEqual(waits, [7, 13]);
    assert.deepEqual(
      results.map((result) => result.computeMs),
      [7, 13],
    );
  });

  it('gives zeros where an output is of another kind than the input at its position', async () => {
    const signature = {
      inputs: [spec],
      outputs: [
        { name: 'wide', datatype: 'FP32', shape: [-1, 3] },
        { name: 'text', datatype: 'BYTES', shape: [-1] },
      ],
      batchable: true,
    } as const;
    await using model = await loadSimulated({ signature, serviceMs: 0, serviceMsPerRow: 0 }, signal);
    const { outputs } = await model.run([input(2)]);
    assert.deepEqual(
      outputs.map(({ name, shape, bytes }) => [name, shape, bytes]),
      [
        ['wide', [2, 3], new Uint8Array(24)],
        ['text', [2], new Uint8Array(8)],
      ],
    );
  });

  it('fails as it was told to: at the load, at a call of the warm-up, or at a request, each counted for itself', async () => {
    const signature = { inputs: [spec], outputs: [{ ...spec, name: 'y' }], batchable: true };
    const load = (at: 'load' | 'warm-up' | 'request', count = 1, kind: 'crash' | 'error' = 'error') =>
      loadSimulated(
        { signature, serviceMs: 0, serviceMsPerRow: 0, fault: { at, count, kind } },
        signal,
        systemClock,
        (words) => crashes.push(words),
      );
    const crashes: string[] = [];
    await assert.rejects(load('load'), { code: 'MODEL_LOAD_FAILED', message: 'the simulated error at the load' });
    await using warming = await load('warm-up', 2);
    await warming.run([input(1)]);
    await assert.rejects(warming.run([input(1)]), { code: 'INFERENCE_FAILED', message: /error at warm-up 2/ });
    await warming.warmed();
    for (let call = 0; call < 3; call++) await warming.run([input(1)]);
    await using serving = await load('request', 3, 'crash');
    for (let call = 0; call < 5; call++) await serving.run([input(1)]);
    await serving.warmed();
    for (let call = 0; call < 2; call++) await serving.run([input(1)]);
    await assert.rejects(serving.run([input(1)]));
    assert.deepEqual(crashes, ['the simulated crash at request 3']);
  });
});
